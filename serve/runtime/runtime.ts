/**
 * What a runtime is: one way to run ONNX models.
 *
 * @module
 */
import type { Named, Tensor } from "../../core/tensor.ts";

/** Names of the runtimes: WebAssembly without native code, and the native library. */
export type RuntimeName = "web" | "node";

/** An input or output of a session. */
export interface Port {
  /** Name. */
  readonly name: string;
  /** Sides; the batch and other open sides are -1. */
  readonly shape: readonly number[];
}

/** One loaded model. */
export interface Session {
  /** What it must be given. */
  readonly inputs: readonly Port[];
  /** What it answers. */
  readonly outputs: readonly Port[];
  /**
   * Runs the model. Calls may be made at any time; they are computed one after another in the order of the calls, and a call
   * that fails fails alone.
   *
   * @param inputs Every input by name, `float32`; data is read when the call's turn comes, so leave it alone until then.
   * @returns Every output by name, in memory of the caller's own.
   * @throws {RangeError} If an input is missing, surplus or misshapen.
   * @throws {TypeError} If the session was released.
   * @throws {Error} If the runtime fails; the session stays usable.
   */
  run(inputs: Named<Tensor>): Promise<Named<Tensor>>;
  /** Gives memory back after the calls made so far. Later calls fail; releasing again does nothing. */
  release(): Promise<void>;
}

/** One way to run ONNX models. */
export interface Runtime {
  /** Which one; the fake of the tests has a name of its own. */
  readonly name: RuntimeName | "fake";
  /** Version of the library behind it. */
  readonly version: string;
  /** What computes: device, threads. */
  readonly device: string;
  /**
   * Loads a model.
   *
   * @param bytes An ONNX file. They may be reused after the promise is settled.
   * @throws {SyntaxError} If the runtime refuses the model: why.
   */
  load(bytes: Uint8Array): Promise<Session>;
}

/** How a runtime is opened. */
export interface RuntimeOptions {
  /**
   * Threads of one calculation. In the `web` runtime the first opening in a process (or worker) decides for all.
   *
   * @default 1
   */
  readonly threads?: number;
}
