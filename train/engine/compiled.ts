/**
 * Several operations as one, where an engine can.
 *
 * @module
 */
import { tf } from "./tf.ts";

/** Which runs are compiled. */
export interface CompileLimits {
  /** Values their results must have in all: smaller ones are over before compiling would pay. @default 4 194 304 */
  readonly values: number;
  /** Graphs that are kept; what comes later runs operation by operation. @default 64 */
  readonly programs: number;
}

/** What an engine has that runs many operations as one. */
export interface Compiler {
  /** What it compiles. */
  limits: CompileLimits;
  /** Graphs it has compiled. */
  readonly programs: number;
  /**
   * Runs something whose operations may be computed at the end, all at once.
   *
   * @param f Must not wait; tensors that are read inside are computed then, one by one, as without this.
   */
  run<T>(f: () => T): T;
}

const compilers = new WeakMap<tf.KernelBackend, Compiler>();

/** Gives a backend its compiler. */
export function compileWith(backend: tf.KernelBackend, compiler: Compiler): void {
  compilers.set(backend, compiler);
}

/** The compiler of the open engine. */
export function compiler(): Compiler | undefined {
  return compilers.get(tf.backend());
}

/**
 * Runs something; on the engine `node` its operations become one graph, compiled the first time and used again whenever the same
 * operations come on tensors of the same shapes. Elsewhere, for what is too small to be worth it, and where a result is read
 * inside, operations run one by one. Results are the same but for rounding.
 *
 * Meant for what is done often with the same shapes: every new shape is compiled anew, which takes about a second.
 *
 * @param f Must not wait. Where a graph fails (an index out of range), what `f` gave is disposed of, and variables it assigned have
 * lost their values.
 * @param steady Whether shapes are the same every time; where they are not, nothing is compiled. @default true
 */
export function compiled<T extends tf.TensorContainer | void>(f: () => T, steady = true): T {
  const own = steady ? compiler() : undefined;
  if (own === undefined) return f();
  let result: T | undefined;
  try {
    return own.run(() => result = f());
  } catch (error) {
    tf.dispose(result as tf.TensorContainer);
    throw error;
  }
}
