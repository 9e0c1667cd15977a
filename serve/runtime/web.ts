/**
 * ONNX Runtime as WebAssembly: the same in Deno, in workers and in browsers, no native code.
 *
 * Everything that is odd about it is here:
 *
 * - Under Deno the package's door resolves to its Node build, which finds its `.wasm` beside itself in `node_modules` (so it
 *   works offline) and which alone starts its threads there: the browser builds import theirs from `blob:` URLs, which Deno
 *   refuses.
 * - That build replaces `globalThis.Worker` by Node's, which breaks every later `new Worker` of the program. It is put back.
 * - One WebAssembly instance serves all sessions of a process or worker. It is configured at its first use and must not be
 *   entered twice at a time.
 *
 * @module
 */
import { GraphBuilder } from "../../core/graph/mod.ts";
import { toOnnx } from "../../core/onnx/mod.ts";
import { Queue } from "./_queue.ts";
import { open, type Ort } from "./_session.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";

/** All calls into the one instance. */
const queue = new Queue();

/** The one instance, once it is asked for. */
let instance: { readonly threads: number; readonly started: Promise<void> } | undefined;

/**
 * Opens the runtime.
 *
 * @throws {RangeError} If the instance runs with another number of threads already, or the number is no integer of 1 or more.
 * @throws {Error} If the package cannot be imported or started.
 */
export async function openWeb({ threads = 1 }: RuntimeOptions = {}): Promise<Runtime> {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new RangeError(`Cannot open runtime: threads is ${threads}, must be an integer of 1 or more`);
  }
  const ort = await import("onnxruntime-web");
  if (instance !== undefined && instance.threads !== threads) {
    throw new RangeError(
      `Cannot open runtime: it runs with ${instance.threads} threads in this process, asked for ${threads}`,
    );
  }
  if (instance === undefined) {
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.proxy = false;
    instance = { threads, started: start(ort, threads) };
  }
  await instance.started;
  return {
    name: "web",
    version: ort.env.versions.web ?? ort.env.versions.common,
    device: `WebAssembly, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    load: (bytes) => open(ort, queue, bytes, { executionProviders: ["wasm"] }),
  };
}

/** Brings the instance up with a model of one node, so that whatever is wrong is found now, and guards `Worker` meanwhile. */
async function start(ort: Ort, threads: number): Promise<void> {
  const b = new GraphBuilder("start");
  b.output("y", b.unary("relu", b.input("x", [1]), "y"));
  const bytes = toOnnx({ graph: b.build(), weights: new Map() });
  const worker = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  if (worker !== undefined && threads === 1) {
    // One thread starts no workers: the replacement is not needed even now. With more it is, until they run.
    const { value } = worker;
    Object.defineProperty(globalThis, "Worker", { configurable: true, get: () => value, set: () => {} });
  }
  try {
    const session = await open(ort, queue, bytes, { executionProviders: ["wasm"] });
    await session.release();
  } finally {
    if (worker !== undefined) Object.defineProperty(globalThis, "Worker", worker);
  }
}
