/**
 * A worker whose networks do what their name in the file says: answer, break, hang or refuse.
 *
 * @module
 */
import type { Named, Tensor } from "../../core/tensor.ts";
import { answerJobs } from "../../serve/runtime/worker_loop.ts";
import { fakeRuntime } from "../../serve/runtime/mod.ts";

const port = { name: "x", shape: [-1, 1] };

function behave(what: string, { x }: Named<Tensor>): Named<Tensor> | Promise<Named<Tensor>> {
  // Warm-up is zeros; trouble comes with the value 13.
  const trouble = x!.data.includes(13);
  if (trouble && what === "break") {
    setTimeout(() => {
      // deno-lint-ignore no-throw-literal -- what breaks a worker is printed, and a text has no stack to print
      throw "broken on purpose";
    });
    return new Promise(() => {});
  }
  if (trouble && what === "hang") return new Promise(() => {});
  if (trouble && what === "refuse") throw new RangeError("13 is refused");
  return { y: { shape: x!.shape, data: x!.data.map((value) => value + 1) } };
}

answerJobs(() =>
  Promise.resolve(fakeRuntime((bytes) => {
    const what = new TextDecoder().decode(bytes);
    if (what === "unloadable") throw new SyntaxError("Cannot load model: it is not one");
    return { inputs: [port], outputs: [port], run: (inputs) => behave(what, inputs) };
  }))
);
