/**
 * Tensors side by side: a network has many small ones (scales, offsets, statistics, filters), and on every engine starting an
 * operation takes longer than running it on so few numbers.
 *
 * @module
 */
import { tf } from "./tf.ts";

/** The values of all of them, in order, as one vector; a single tensor, of any shape, is itself. */
export function pack(parts: readonly tf.Tensor[]): tf.Tensor {
  if (parts.length === 1) return parts[0]!;
  return tf.concat(
    parts.map((part) => part.rank === 1 ? part as tf.Tensor1D : tf.reshape(part, [part.size])),
  );
}

/** What was packed, given the shape of each. */
export function unpack(whole: tf.Tensor, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  if (shapes.length === 1) return [whole];
  const sizes = shapes.map((shape) => shape.reduce((size, side) => size * side, 1));
  return tf.split(whole, sizes).map((part, k) =>
    shapes[k]!.length === 1 ? part : tf.reshape(part, [...shapes[k]!])
  );
}
