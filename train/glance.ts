/**
 * Glances of training frames: the same filters a client uses, on values that are already normalised.
 *
 * @module
 */
import { resampleFloat, type ResampleMethod } from "../core/geometry/mod.ts";
import { tf } from "./engine/tf.ts";
import type { Frames } from "./vision.ts";

/** How a glance is made. */
export interface GlanceOptions {
  /** Side in pixels. */
  readonly side: number;
  /** Filter; part of the model. */
  readonly resample: ResampleMethod;
}

/** Glances `float32[N, side, side, 3]` of frames; the caller disposes of them. */
export function glancesOf({ images, shape }: Frames, { side, resample }: GlanceOptions): tf.Tensor4D {
  const [n, height, width] = shape;
  const size = height * width * 3;
  const data = new Float32Array(n * side * side * 3);
  for (let i = 0; i < n; i++) {
    const frame = { width, height, channels: 3, data: images.subarray(i * size, (i + 1) * size) };
    data.set(resampleFloat(frame, { width: side, height: side, method: resample }).data, i * side * side * 3);
  }
  return tf.tensor4d(data, [n, side, side, 3]);
}
