/**
 * `BatchMatMul` with one transposed operand for the wasm backend. Both appear in the gradient of every product of
 * matrices (`dA = dC B^T`, `dB = A^T dC`), and the backend's own kernel falls back to a scalar loop for them.
 * Everything else is left to the backend.
 */

import type { tf } from "../tf.ts";
import { accumulate } from "./_conv2d_filter.ts";
import { multiplyTransposed } from "./_conv2d_input.ts";
import { addressOf, type WasmBackend } from "./_module.ts";

/** Inputs of the kernel. */
export interface MatMulInputs {
  /** `float32[...B, M, K]`, or `[...B, K, M]` when `transposeA` */
  readonly a: tf.TensorInfo;
  /** `float32[...B, K, N]`, or `[...B, N, K]` when `transposeB` */
  readonly b: tf.TensorInfo;
}

/** Attributes of the kernel. */
export interface MatMulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Whether `batchMatMul` takes these: exactly one operand transposed, the same batch on both sides, nothing empty. */
export function accepts({ a, b }: MatMulInputs, { transposeA, transposeB }: MatMulAttrs): boolean {
  return transposeA !== transposeB && a.dtype === "float32" && b.dtype === "float32" &&
    a.shape.length === b.shape.length && a.shape.length >= 2 &&
    a.shape.slice(0, -2).every((n, axis) => n === b.shape[axis]) &&
    a.shape.every((n) => n > 0) && b.shape.every((n) => n > 0);
}

/**
 * Product of matrices, one of them transposed; `accepts` must hold.
 *
 * @returns `float32[...B, M, N]`
 * @throws {RangeError} If the inner dimensions differ.
 */
export function batchMatMul(
  backend: WasmBackend,
  { a, b }: MatMulInputs,
  { transposeA }: MatMulAttrs,
): tf.TensorInfo {
  const rank = a.shape.length;
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const [innerA, innerB] = transposeA ? [rowsA, rowsB] : [columnsA, columnsB];
  if (innerA !== innerB) {
    throw new RangeError(
      `Cannot multiply matrices: inner dimensions are ${innerA} and ${innerB}, must be equal`,
    );
  }
  const [m, n] = transposeA ? [columnsA, columnsB] : [rowsA, rowsB];
  const batch = a.shape.slice(0, rank - 2);
  const out = backend.makeOutput([...batch, m, n], "float32");
  const [from, by, to] = [addressOf(backend, a), addressOf(backend, b), addressOf(backend, out)];
  const count = batch.reduce((x, y) => x * y, 1);
  for (let k = 0; k < count; k++) {
    const left = from + k * rowsA * columnsA * 4;
    const right = by + k * rowsB * columnsB * 4;
    const target = to + k * m * n * 4;
    if (transposeA) {
      // A^T B is the filter gradient of a 1x1 convolution whose pixels are the rows.
      const one = { input: 1, output: 1, taps: 1, stride: 1, dilation: 1, before: 0 };
      const rows = { ...one, input: innerA, output: innerA };
      accumulate(backend, { images: 1, y: rows, x: one, i: m, o: n }, left, right, target);
    } else {
      multiplyTransposed(backend, { rows: m, i: n, o: innerA }, left, right, target);
    }
  }
  return out;
}
