/**
 * `UnsortedSegmentSum` for the wasm backend: the gradient of gathering rows (embeddings, patches picked by index).
 *
 *     out[s, ...] = sum over k with segmentIds[k] = s of x[k, ...]
 */

import type { tf } from "../tf.ts";
import { addressOf, kernelsOf, type WasmBackend } from "./_module.ts";

/** Inputs of the kernel. */
export interface SegmentSumInputs {
  /** `float32 | int32 [...S, ...R]` */
  readonly x: tf.TensorInfo;
  /** `int32[...S]`; an id outside `[0, numSegments)` is dropped */
  readonly segmentIds: tf.TensorInfo;
}

/** Attributes of the kernel. */
export interface SegmentSumAttrs {
  readonly numSegments: number;
}

/**
 * Sums the rows of `x` that share an id.
 *
 * @returns `x.dtype [numSegments, ...R]`
 * @throws {TypeError} If the dtypes are not those above.
 * @throws {RangeError} If the shape of the ids is not the beginning of the shape of `x`.
 */
export function unsortedSegmentSum(
  backend: WasmBackend,
  { x, segmentIds }: SegmentSumInputs,
  { numSegments }: SegmentSumAttrs,
): tf.TensorInfo {
  if ((x.dtype !== "float32" && x.dtype !== "int32") || segmentIds.dtype !== "int32") {
    throw new TypeError(
      `Cannot sum segments: dtypes are ${x.dtype} and ${segmentIds.dtype}, must be float32 or int32 and int32`,
    );
  }
  const rank = segmentIds.shape.length;
  if (segmentIds.shape.some((n, axis) => n !== x.shape[axis])) {
    throw new RangeError(
      `Cannot sum segments: ids are [${segmentIds.shape}], must be the beginning of [${x.shape}]`,
    );
  }
  const rest = x.shape.slice(rank);
  const rows = segmentIds.shape.reduce((a, b) => a * b, 1);
  const inner = rest.reduce((a, b) => a * b, 1);
  const out = backend.makeOutput([numSegments, ...rest], x.dtype);
  const kernels = kernelsOf(backend);
  const to = addressOf(backend, out);
  kernels.clear(to, numSegments * inner * 4);
  const sum = x.dtype === "float32" ? kernels.segmentSumF32 : kernels.segmentSumI32;
  sum(addressOf(backend, x), addressOf(backend, segmentIds), to, rows, inner, numSegments);
  return out;
}
