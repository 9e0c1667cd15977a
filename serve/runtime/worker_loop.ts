/**
 * A worker's life: one job after the other on a machine of its own.
 *
 * @module
 */
import { createMachine, type Machine } from "./machine.ts";
import { type Job, type Reply, toFailure, transferable, type Value } from "./_messages.ts";
import type { Runtime, RuntimeName } from "./runtime.ts";

/** The part of a worker's global scope that is used here; the DOM library types `self` as a window. */
interface Scope {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(reply: Reply, transfer?: Transferable[]): void;
}

/** Answers the jobs this worker is sent. The pool sends the next one when the last one is answered. */
export function answerJobs(openRuntime: (name: RuntimeName) => Promise<Runtime>): void {
  const scope = self as unknown as Scope;
  let machine: Machine | undefined;

  async function work(job: Job): Promise<Value> {
    if (job.kind === "start") {
      machine = createMachine(await openRuntime(job.runtime));
      return;
    }
    if (machine === undefined) throw new TypeError("Cannot work: the worker was not started");
    switch (job.kind) {
      case "open":
        await machine.open(job.key, job.networks);
        return;
      case "run":
        return await machine.run(job.key, job.network, job.inputs);
      case "decode":
        return await machine.decode(job.bytes);
    }
  }

  scope.onmessage = async ({ data }) => {
    let value: Value;
    try {
      value = await work(data);
    } catch (error) {
      scope.postMessage({ failure: toFailure(error) });
      return;
    }
    scope.postMessage({ value }, transferable(value) as Transferable[]);
  };
}
