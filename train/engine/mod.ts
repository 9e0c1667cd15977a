/**
 * Opens TensorFlow.js on the best engine of a machine, or on the one that is asked for.
 *
 * ```ts ignore
 * const engine = await open("auto");
 * console.log(engine.name, engine.device, engine.passedOver);
 * engine.close();
 * ```
 *
 * A web page takes the same from `browser.ts`, which leaves out what only a process can do.
 *
 * @module
 */
import type { EngineName, OpenOptions } from "./engine.ts";
import { type BringUps, type Engine, openFrom } from "./open.ts";

export { ENGINE_NAMES, type EngineName, EngineUnavailable, type OpenOptions } from "./engine.ts";
export { type Availability, describe } from "./describe.ts";
export { type Engine, memory, type MemoryUse, type PassedOver, read } from "./open.ts";
export * from "./tf.ts";

const BRING_UPS: BringUps = {
  "node-gpu": async () => (await import("./node.ts")).bringUpNodeGpu,
  node: async () => (await import("./node.ts")).bringUpNode,
  webgpu: async () => (await import("./webgpu.ts")).bringUpWebgpu,
  wasm: async () => (await import("./wasm.ts")).bringUpWasm,
  cpu: async () => (await import("./cpu.ts")).bringUpCpu,
};

/**
 * Opens an engine and makes it the active one.
 *
 * @param name An engine, or `auto` for the first of {@linkcode ENGINE_NAMES} that runs; `auto` takes no software GPU.
 * @param options What may vary.
 * @throws {EngineUnavailable} If the engine that was asked for does not run here: never another one in its place.
 */
export async function open(name: EngineName | "auto", options: OpenOptions = {}): Promise<Engine> {
  return await openFrom(BRING_UPS, name, options);
}
