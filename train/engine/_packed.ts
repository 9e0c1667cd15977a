/**
 * Vectors side by side: a network has many small ones (scales, offsets, statistics), and on every engine starting an operation
 * takes longer than running it on so few numbers.
 *
 * @module
 */
import { tf } from "./tf.ts";

/** One vector of all of them, in order; a single tensor, of any shape, is itself. */
export function pack(parts: readonly tf.Tensor[]): tf.Tensor {
  return parts.length === 1 ? parts[0]! : tf.concat(parts as tf.Tensor1D[]);
}

/** What was packed, given the number of values of each. */
export function unpack(whole: tf.Tensor, sizes: readonly number[]): tf.Tensor[] {
  return sizes.length === 1 ? [whole] : tf.split(whole, [...sizes]);
}
