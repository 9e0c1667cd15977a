/**
 * Reading patches while training: the differentiable counterparts of the two readings in `core/policy/reading.ts`.
 *
 * Dimension key: N batch, K cells, H W pixels, C classes, P patches of a batch.
 *
 * @module
 */
import { cellCount, type Grid, patchBox, patchSide } from "../core/geometry/mod.ts";
import { inferShapes } from "../core/graph/mod.ts";
import type { ReadingName } from "../core/policy/mod.ts";
import { compiled } from "./engine/compiled.ts";
import type { Learner } from "./engine/learner.ts";
import { tf } from "./engine/tf.ts";

/** A batch of frames: `float32[N, H, W, 3]` on the host. */
export interface Frames {
  /** Values, normalised. */
  readonly images: Float32Array;
  /** N, H, W, 3. */
  readonly shape: readonly [number, number, number, number];
}

/** How frames and actions become logits. */
export interface Vision {
  /** Whether tensors have the same shapes whatever the actions, so that an engine may compile what reads them. */
  readonly steady: boolean;
  /**
   * Class logits of what the actions reveal; call inside a tidy or a gradient.
   *
   * @param frames N frames.
   * @param actions `float32[S * N * K]` of 0 and 1: S actions for each frame, the batch repeating S times.
   * @param seed Batch statistics, and dropout by this seed; running statistics without.
   * @returns `float32[S * N, C]`.
   */
  logits(frames: Frames, actions: Float32Array, seed?: number): tf.Tensor2D;
}

/** Class logits of whole frames by a network that reads them as `image`, running statistics: `float32[N, C]`. */
export function wholeLogits(learner: Learner, { images, shape }: Frames): tf.Tensor2D {
  return compiled(() =>
    tf.tidy(() => learner.predict({ image: tf.tensor4d(images, [...shape]) })["logits"] as tf.Tensor2D)
  );
}

/** The vision of a reading. */
export function visionOf(reading: ReadingName, grid: Grid, learner: Learner): Vision {
  return reading === "canvas" ? canvasVision(grid, learner) : patchVision(grid, learner);
}

/** Zeros (the mean colour) wherever a cell is off. */
function canvasVision(grid: Grid, learner: Learner): Vision {
  return {
    steady: true,
    logits({ images, shape }, actions, seed) {
      const [n, h, w] = shape;
      const copies = actions.length / (n * cellCount(grid));
      const frames = tf.tensor4d(images, [n, h, w, 3]);
      // [SN, rows, 1, columns, 1] * ones [1, 1, cell, 1, cell] -> [SN, H, W, 1]
      const mask = tf.reshape(
        tf.mul(
          tf.tensor(actions, [copies * n, grid.rows, 1, grid.columns, 1]),
          tf.ones([1, 1, grid.cell, 1, grid.cell]),
        ),
        [copies * n, h, w, 1],
      );
      const image = tf.mul(copies === 1 ? frames : tf.tile(frames, [copies, 1, 1, 1]), mask);
      const outputs = seed === undefined ? learner.predict({ image }) : learner.train({ image }, seed);
      return outputs["logits"] as tf.Tensor2D;
    },
  };
}

/** Only the patches that are on are read; their evidence is summed by frame. */
function patchVision(grid: Grid, learner: Learner): Vision {
  const logits = learner.graph.outputs.find(({ name }) => name === "logits");
  const classes = inferShapes(learner.graph).get(logits?.id ?? "")?.at(-1) ?? 0;
  return {
    steady: false,
    logits(frames, actions, seed) {
      const count = cellCount(grid);
      const rows = actions.length / count;
      const places: number[] = [];
      actions.forEach((on, i) => on > 0.5 && places.push(i));
      if (places.length === 0) return tf.zeros([rows, classes]);
      const patch = cutPatches(
        grid,
        frames,
        places.map((i) => [Math.floor(i / count) % frames.shape[0], i % count]),
      );
      const outputs = seed === undefined ? learner.predict({ patch }) : learner.train({ patch }, seed);
      const owner = new Float32Array(rows * places.length); // [SN, P]
      places.forEach((i, p) => owner[Math.floor(i / count) * places.length + p] = 1);
      return tf.matMul(tf.tensor2d(owner, [rows, places.length]), outputs["logits"] as tf.Tensor2D);
    },
  };
}

/** Patches at `[frame, cell]` places, `float32[P, side, side, 3]`. */
export function cutPatches(
  grid: Grid,
  { images, shape }: Frames,
  places: readonly (readonly [number, number])[],
): tf.Tensor4D {
  const side = patchSide(grid);
  const [, h, w] = shape;
  const data = new Float32Array(places.length * side * side * 3);
  places.forEach(([frame, cell], p) => {
    const { x, y } = patchBox(grid, cell);
    for (let row = 0; row < side; row++) {
      const from = ((frame * h + y + row) * w + x) * 3;
      data.set(images.subarray(from, from + side * 3), (p * side + row) * side * 3);
    }
  });
  return tf.tensor4d(data, [places.length, side, side, 3]);
}
