/**
 * Opening an engine, whatever engines a door offers, and what can be asked of the one that is open.
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

/** An engine that `auto` did not take, and why. */
export interface PassedOver {
  /** Which. */
  readonly name: EngineName;
  /** What is, and what must be. */
  readonly reason: string;
}

/** The engine that is open. There is one at a time in a process or a page. */
export interface Engine extends Omit<Running, "backend"> {
  /** Which. */
  readonly name: EngineName;
  /** Better engines that `auto` could not take, best first. */
  readonly passedOver: readonly PassedOver[];
  /** Gives the device back; tensors that are left become invalid. */
  close(): void;
}

/** How a door brings up each engine; loaded when wanted, because a native library stays in a process. */
export type BringUps = Readonly<Record<EngineName, () => Promise<BringUp>>>;

/**
 * Opens one of the engines of a door and makes it the active one.
 *
 * @param bringUps The engines.
 * @param name An engine, or `auto` for the first of {@linkcode ENGINE_NAMES} that runs; `auto` takes no software GPU.
 * @param options What may vary.
 * @throws {EngineUnavailable} If the engine that was asked for does not run here: never another one in its place.
 */
export async function openFrom(
  bringUps: BringUps,
  name: EngineName | "auto",
  options: OpenOptions,
): Promise<Engine> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new RangeError(`Cannot open engine "${name}": threads is ${threads}, must be a positive integer`);
  }
  if (name !== "auto") return await start({ name, bringUps, options, passedOver: [], hardwareOnly: false });
  const passedOver: PassedOver[] = [];
  for (const candidate of ENGINE_NAMES) {
    try {
      return await start({ name: candidate, bringUps, options, passedOver, hardwareOnly: true });
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      passedOver.push({ name: candidate, reason: error.reason });
    }
  }
  throw new EngineUnavailable("cpu", "no engine runs here");
}

interface Attempt {
  readonly name: EngineName;
  readonly bringUps: BringUps;
  readonly options: OpenOptions;
  readonly passedOver: readonly PassedOver[];
  readonly hardwareOnly: boolean;
}

async function start({ name, bringUps, options, passedOver, hardwareOnly }: Attempt): Promise<Engine> {
  const { backend, ...running } = await (await bringUps[name]())(options);
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
