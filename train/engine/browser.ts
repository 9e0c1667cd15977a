/**
 * The door for web pages and their workers: the engines `webgpu`, `wasm` and `cpu`, and what a training step takes.
 *
 * Bundle it with the page by any bundler that reads the `module` field of packages; nothing in it reaches for Deno or
 * Node. Beside the bundle (or in `wasmFolder`) the page's server needs the files that `wasm` fetches, from the `dist` folder of
 * the package `@tensorflow/tfjs-backend-wasm`: `tfjs-backend-wasm-simd.wasm`, and `tfjs-backend-wasm-threaded-simd.wasm`
 * where the page is cross-origin isolated. `webgpu` needs a secure context: HTTPS or `localhost`.
 *
 * ```ts ignore
 * const engine = await open("auto");
 * const learner = new Learner(graph, weights);
 * const optimizer = new Optimizer(learner.trainable, { kind: "sgd" }, learner.decayed);
 * const loss = step({ learners: [learner], updates: [{ optimizer, rate: 0.01 }] }, () =>
 *   crossEntropy(learner.train({ image })["logits"]!, labels));
 * console.log(engine.device, (await read(loss))[0]);
 * ```
 *
 * @module
 */
import { type BringUp, type EngineName, EngineUnavailable, type OpenOptions } from "./engine.ts";
import { type BringUps, type Engine, openFrom } from "./open.ts";

export { ENGINE_NAMES, type EngineName, EngineUnavailable, type OpenOptions } from "./engine.ts";
export { Learner, type Outputs } from "./learner.ts";
export { type Engine, memory, type MemoryUse, type PassedOver, read } from "./open.ts";
export { Optimizer, type OptimizerOptions, rateAt, type Schedule } from "./optimizer.ts";
export { crossEntropy, distillation, step, type StepParts } from "./step.ts";
export * from "./tf.ts";

const BRING_UPS: BringUps = {
  "node-gpu": () => notInAPage("node-gpu"),
  node: () => notInAPage("node"),
  webgpu: async () => (await import("./webgpu.ts")).bringUpWebgpu,
  wasm: async () => (await import("./wasm.ts")).bringUpWasm,
  cpu: async () => (await import("./cpu.ts")).bringUpCpu,
};

function notInAPage(name: EngineName): Promise<BringUp> {
  return Promise.reject(new EngineUnavailable(name, "a web page runs no native code, it needs Deno"));
}

/**
 * Opens an engine and makes it the active one.
 *
 * @param name An engine, or `auto` for the best that runs here; `auto` takes no software GPU.
 * @param options What may vary.
 * @throws {EngineUnavailable} If the engine that was asked for does not run here: never another one in its place.
 */
export async function open(name: EngineName | "auto", options: OpenOptions = {}): Promise<Engine> {
  return await openFrom(BRING_UPS, name, options);
}
