/**
 * ONNX Runtime as a native library. The libraries for CPUs are inside the npm package; its install script only fetches CUDA
 * ones and must not run. Under Deno it needs `--allow-ffi`.
 *
 * @module
 */
import { Queue } from "./_queue.ts";
import { open } from "./_session.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";

/**
 * Opens the runtime.
 *
 * @throws {RangeError} If the number of threads is no integer of 1 or more.
 * @throws {Error} If the package has no library for this machine or may not load it.
 */
export async function openNode({ threads = 1 }: RuntimeOptions = {}): Promise<Runtime> {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(`Cannot open runtime: threads is ${threads}, must be an integer of 1 or more`);
  }
  const ort = await import("onnxruntime-node");
  ort.env.logLevel = "fatal";
  const queue = new Queue();
  return {
    name: "node",
    version: ort.env.versions.node ?? ort.env.versions.common,
    device: `CPU, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    load: (bytes) =>
      open(ort, queue, bytes, {
        executionProviders: ["cpu"],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
      }),
  };
}
