/**
 * Opens TensorFlow.js on the best engine of a machine, or on the one that is asked for.
 *
 * ```ts ignore
 * const engine = await open("auto");
 * console.log(engine.name, engine.device, engine.passedOver);
 * engine.close();
 * ```
 *
 * @module
 */
import {
  type BringUp,
  ENGINE_NAMES,
  type EngineName,
  EngineUnavailable,
  type OpenOptions,
  type Running,
} from "./engine.ts";
import { tf } from "./tf.ts";

export { ENGINE_NAMES, type EngineName, EngineUnavailable, type OpenOptions } from "./engine.ts";
export { type Availability, describe } from "./describe.ts";
export { tf } from "./tf.ts";

/** An engine that `auto` did not take, and why. */
export interface PassedOver {
  /** Which. */
  readonly name: EngineName;
  /** What is, and what must be. */
  readonly reason: string;
}

/** The engine that is open. There is one at a time in a process. */
export interface Engine extends Omit<Running, "backend"> {
  /** Which. */
  readonly name: EngineName;
  /** Better engines that `auto` could not take, best first. */
  readonly passedOver: readonly PassedOver[];
  /** Gives the device back; tensors that are left become invalid. */
  close(): void;
}

/** Loaded when wanted: a native library stays in a process, and a browser bundle has no use for it. */
const BRING_UP: Record<EngineName, () => Promise<BringUp>> = {
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
 * @throws {EngineUnavailable} If the engine that was asked for does not run here: never another one in its place.
 */
export async function open(name: EngineName | "auto", options: OpenOptions = {}): Promise<Engine> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new RangeError(`Cannot open engine "${name}": threads is ${threads}, must be a positive integer`);
  }
  if (name !== "auto") return await bringUp(name, options, []);
  const passedOver: PassedOver[] = [];
  for (const candidate of ENGINE_NAMES) {
    try {
      return await bringUp(candidate, options, passedOver, true);
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      passedOver.push({ name: candidate, reason: error.reason });
    }
  }
  throw new EngineUnavailable("cpu", "no engine runs here");
}

async function bringUp(
  name: EngineName,
  options: OpenOptions,
  passedOver: readonly PassedOver[],
  hardwareOnly = false,
): Promise<Engine> {
  const { backend, ...running } = await (await BRING_UP[name]())(options);
  if (hardwareOnly && running.software) {
    const reason = `a processor imitates the GPU (${running.device}), ask for it by name if that is meant`;
    close(backend);
    throw new EngineUnavailable(name, reason);
  }
  if (!await tf.setBackend(backend)) {
    throw new EngineUnavailable(name, `tfjs refuses to initialise its backend "${backend}"`);
  }
  return { name, ...running, passedOver, close: () => close(backend) };
}

/** Frees a backend and leaves its factory in place, so that it can be opened again. */
function close(backend: string): void {
  const factory = tf.findBackendFactory(backend);
  tf.removeBackend(backend);
  if (factory !== null) tf.registerBackend(backend, factory);
}

/** The values of a tensor as an array of the caller's own; works on every engine. */
export async function read(tensor: tf.Tensor): Promise<Float32Array> {
  const data = await tensor.data();
  // The plain backend hands out its own memory; integers and booleans become floats.
  if (!(data instanceof Float32Array) || tf.getBackend() === "cpu") {
    return Float32Array.from(data as Float32Array);
  }
  return data;
}

/** What is alive on the open engine. */
export interface MemoryUse {
  /** Tensors that were not disposed of. */
  readonly tensors: number;
  /** Their size. */
  readonly bytes: number;
}

/** Counts what is alive; a training step must leave it as it found it. */
export function memory(): MemoryUse {
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes };
}
