/**
 * A runtime without numbers of its own, for tests of what stands above: the model is a function.
 *
 * @module
 */
import type { Named, Tensor } from "../../core/tensor.ts";
import { Queue } from "./_queue.ts";
import { checkInputs } from "./_session.ts";
import type { Port, Runtime } from "./runtime.ts";

/** What the fake does with every model. */
export interface FakeModel {
  /** What sessions must be given. */
  readonly inputs: readonly Port[];
  /** What sessions answer. */
  readonly outputs: readonly Port[];
  /** Computes; may throw, to see what happens then. `call` counts the calls of a session from 0. */
  run(inputs: Named<Tensor>, call: number): Named<Tensor> | Promise<Named<Tensor>>;
}

/**
 * A runtime that asks `model` what the bytes mean.
 *
 * @param model Gives the function for the bytes; may throw, as a real runtime does for bytes it refuses.
 */
export function fakeRuntime(model: (bytes: Uint8Array) => FakeModel): Runtime {
  const queue = new Queue();
  return {
    name: "fake",
    version: "0",
    device: "none",
    load: (bytes) =>
      queue.add(() => {
        const { inputs, outputs, run } = model(bytes);
        let calls = 0;
        let released = false;
        return Promise.resolve({
          inputs,
          outputs,
          run: async (given: Named<Tensor>): Promise<Named<Tensor>> => {
            if (released) throw new TypeError("Cannot run session: it was released");
            checkInputs(inputs, given);
            return await queue.add(async () => await run(given, calls++));
          },
          release: async (): Promise<void> => {
            released = true;
            await queue.add(() => Promise.resolve());
          },
        });
      }),
  };
}
