/**
 * Resampling as two matrix products, one per axis: exact in every coordinate convention, and differentiable on every engine.
 *
 * @module
 */
import type { Rules } from "../../core/graph/mod.ts";
import { tf } from "./tf.ts";

/** Where output pixel `i` lies in the input. */
type Place = (i: number) => number;

/** Weight of the input pixel at distance `d` (in pixels). */
type Kernel = (d: number) => number;

const linear: Kernel = (d) => Math.max(0, 1 - Math.abs(d));

/** Keys 1981 with a = -0.75. */
const cubic: Kernel = (distance) => {
  const d = Math.abs(distance);
  const a = -0.75;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
};

function place(size: number, out: number, alignCorners: 0 | 1): Place {
  if (alignCorners === 1) return (i) => out === 1 ? 0 : i * (size - 1) / (out - 1);
  return (i) => (i + 0.5) * size / out - 0.5;
}

/** `float32[size, out]`; taps beyond the border count for the border pixel. */
function matrix(size: number, out: number, at: Place, kernel: Kernel): tf.Tensor2D {
  const data = new Float32Array(size * out);
  for (let i = 0; i < out; i++) {
    const x = at(i);
    for (let tap = Math.floor(x) - 1; tap <= Math.floor(x) + 2; tap++) {
      data[Math.min(Math.max(tap, 0), size - 1) * out + i]! += kernel(x - tap);
    }
  }
  return tf.tensor2d(data, [size, out]);
}

function resize(x: tf.Tensor, rows: tf.Tensor2D, columns: tf.Tensor2D): tf.Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const [oh, ow] = [rows.shape[1], columns.shape[1]];
  const across = tf.matMul(tf.reshape(tf.transpose(x, [0, 1, 3, 2]), [n * h * c, w]) as tf.Tensor2D, columns);
  const turned = tf.reshape(tf.transpose(tf.reshape(across, [n, h, c, ow]), [0, 3, 2, 1]), [n * ow * c, h]);
  const down = tf.matMul(turned as tf.Tensor2D, rows);
  return tf.transpose(tf.reshape(down, [n, ow, c, oh]), [0, 3, 1, 2]);
}

/** Rules of the three resampling operations. */
export const resizeRules: Pick<Rules<tf.Tensor>, "resizeNearest" | "resizeBilinear" | "resizeBicubic"> = {
  resizeNearest({ size }, [x]) {
    const nearest = (side: number, out: number): tf.Tensor2D =>
      matrix(side, out, (i) => Math.floor(i * side / out), (d) => d === 0 ? 1 : 0);
    return resize(x, nearest(x.shape[1]!, size[0]), nearest(x.shape[2]!, size[1]));
  },
  resizeBilinear({ size, alignCorners }, [x]) {
    const axis = (side: number, out: number): tf.Tensor2D =>
      matrix(side, out, place(side, out, alignCorners), linear);
    return resize(x, axis(x.shape[1]!, size[0]), axis(x.shape[2]!, size[1]));
  },
  resizeBicubic({ size, alignCorners }, [x]) {
    const axis = (side: number, out: number): tf.Tensor2D =>
      matrix(side, out, place(side, out, alignCorners), cubic);
    return resize(x, axis(x.shape[1]!, size[0]), axis(x.shape[2]!, size[1]));
  },
};
