/**
 * What an engine is: one way to run TensorFlow.js.
 *
 * @module
 */

/** The engines, best first: the order in which `auto` tries them. */
export const ENGINE_NAMES = ["node-gpu", "node", "webgpu", "wasm", "cpu"] as const;

/**
 * Native TensorFlow on an NVIDIA GPU, native TensorFlow on the processor, WebGPU, WebAssembly, or plain JavaScript (a
 * reference, some hundred times slower than `node`).
 */
export type EngineName = typeof ENGINE_NAMES[number];

/** What {@linkcode open} may vary. */
export interface OpenOptions {
  /**
   * Threads one operation may use, at least 1: on the native engines, and on `wasm` in a cross-origin isolated web page (half
   * the logical cores there, 8 at most).
   * @default what this process may use
   */
  readonly threads?: number;
  /**
   * Web pages only: the folder with the files of `wasm` (see `browser.ts`), ending in `/`, absolute or relative to the script.
   * @default the folder of the script
   */
  readonly wasmFolder?: string;
}

/** An engine that runs. */
export interface Running {
  /** tfjs's name of the backend. */
  readonly backend: string;
  /** What computes, such as `NVIDIA L40S` or `AMD EPYC 7B13, 8 threads`. */
  readonly device: string;
  /** What the device can hold, where it is known. */
  readonly memoryBytes?: number;
  /** Libraries and releases. */
  readonly version: string;
  /** A GPU interface that a processor imitates. */
  readonly software: boolean;
}

/** Brings one engine up. Throws {@linkcode EngineUnavailable} where it cannot run. */
export type BringUp = (options: OpenOptions) => Promise<Running>;

/** Why an engine does not run here, and what to do. */
export class EngineUnavailable extends Error {
  /** Always `EngineUnavailable`. */
  override readonly name = "EngineUnavailable";
  /** The engine that was wanted. */
  readonly engine: EngineName;
  /** What is, and what must be. */
  readonly reason: string;

  /**
   * An engine that cannot be opened.
   *
   * @param engine The engine that was wanted.
   * @param reason What is, and what must be.
   * @param options The error behind it.
   */
  constructor(engine: EngineName, reason: string, options?: ErrorOptions) {
    super(`Cannot open engine "${engine}": ${reason}`, options);
    this.engine = engine;
    this.reason = reason;
  }
}
