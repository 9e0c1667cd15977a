/**
 * What the tests of this folder share.
 *
 * Tolerance: both sides add float32 products in different orders, so the error grows with the square root of the
 * number `n` of terms. A result agrees when it is within `2^-21 sqrt(n)` (four roundings per step of a random walk) of
 * the largest value of the reference, and 1e-6 at least: tighter than any error of indexing, which changes results
 * by whole terms.
 */

import { assert, assertEquals } from "@std/assert/mod.js";
import "@tensorflow/tfjs-backend-cpu";
import { tf } from "../tf.ts";
import { registerWasmGradients } from "./mod.ts";

registerWasmGradients();

/** Numbers in [-1, 1) that do not repeat along any axis: a linear congruential generator. */
export function noise(shape: readonly number[], seed: number): tf.Tensor {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = new Float32Array(n);
  let state = seed >>> 0;
  for (let k = 0; k < n; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[k] = state / 2 ** 31 - 1;
  }
  return tf.tensor(values, [...shape]);
}

/** Runs `body` with a backend. */
export function on<T>(backend: string, body: () => T): Promise<T> {
  return tf.setBackend(backend).then(() => body());
}

/** Gradients of `sum(f(inputs) * dy)` as plain arrays. */
export function gradients(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  shapes: readonly (readonly number[])[],
): Float32Array[] {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, k) => noise(shape, k + 1));
    const g = tf.grads((...xs: tf.Tensor[]) => {
      const y = f(...xs);
      return tf.sum(tf.mul(y, noise(y.shape, 99)));
    });
    return g(inputs).map((t) => t.dataSync() as Float32Array);
  });
}

/** Asserts agreement within the tolerance above; NaN never agrees. */
export function assertClose(actual: Float32Array, expected: Float32Array, terms: number, what: string): void {
  assertEquals(actual.length, expected.length, what);
  const scale = expected.reduce((a, v) => Math.max(a, Math.abs(v)), 1e-30);
  const tolerance = Math.max(1e-6, 2 ** -21 * Math.sqrt(terms)) * scale;
  let worst = 0;
  for (let k = 0; k < actual.length; k++) {
    const error = Math.abs(actual[k]! - expected[k]!);
    if (!(error <= worst)) worst = error; // also for NaN
  }
  assert(worst <= tolerance, `${what}: differs by ${worst}, at most ${tolerance} allowed`);
}

/** Asserts that the gradients of `f` with respect to all inputs are the same on `wasm` and `cpu`. */
export async function compare(
  what: string,
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  shapes: readonly (readonly number[])[],
  terms: number,
): Promise<void> {
  const expected = await on("cpu", () => gradients(f, shapes));
  const actual = await on("wasm", () => gradients(f, shapes));
  for (const [k, values] of actual.entries()) {
    assertClose(values, expected[k]!, terms, `${what}, gradient of input ${k}`);
  }
}
