/**
 * Evidence tables: what a frozen patch reader says of every patch of every frame, computed once. Rewards of any number of
 * actions are then sums over a table.
 *
 * Dimension key: M frames of the table, N batch, S samples, K cells, C classes.
 *
 * @module
 */
import { cellCount, type Grid, resample } from "../core/geometry/mod.ts";
import { decode, encode, type Raster } from "../core/image/mod.ts";
import { normalizationTable, normalizeInto, toInput } from "../core/policy/mod.ts";
import { permutation, stream } from "../core/random.ts";
import { createLoader, type Dataset } from "./data/mod.ts";
import type { Learner } from "./engine/learner.ts";
import { tf } from "./engine/tf.ts";
import { Progress, type ProgressMode } from "./log/mod.ts";
import type { LabelledFrames } from "./patchdrop.ts";
import { frameView, type PatchdropRecipe } from "./recipe.ts";
import { cutPatches, type Vision } from "./vision.ts";

/** The table. */
export interface Evidence {
  /** `float32[M, side, side, 3]`, glances. */
  readonly glances: Float32Array;
  /** Side of a glance. */
  readonly side: number;
  /** `float32[M, K, C]`. */
  readonly logits: Float32Array;
  /** Number of classes, C. */
  readonly classes: number;
  /** `int32[M]`. */
  readonly labels: Int32Array;
}

/** Frames read at once; bounds memory, not results. */
const FRAMES_AT_ONCE = 4;

/** What {@link collectEvidence} needs. */
export interface CollectOptions {
  /** Reads patches: input `patch`, output `logits`. */
  readonly reader: Learner;
  /** The recipe: grid, glance, normalisation, transfer. */
  readonly recipe: Pick<PatchdropRecipe, "grid" | "glance" | "normalization" | "transfer">;
  /** Frames; every one is read as it is. */
  readonly dataset: Dataset;
  /** Shown with the progress. */
  readonly title: string;
  /** How progress is shown. */
  readonly progress?: ProgressMode;
}

/**
 * Reads every patch of every frame. Glances are those a server would receive: made from bytes, sent in the model's format. Patches
 * are cut from the frame without sending (a hundred times as many encodings, and the reader has learned from sent ones).
 */
export async function collectEvidence(options: CollectOptions): Promise<Evidence> {
  const { reader, recipe: { grid, glance, normalization, transfer }, dataset, title, progress: mode } =
    options;
  const cells = cellCount(grid);
  const total = dataset.length;
  const classes = dataset.classes.length;
  const logits = new Float32Array(total * cells * classes);
  const glances = new Float32Array(total * glance.side * glance.side * 3);
  const labels = new Int32Array(total);
  const table = normalizationTable(normalization);
  const loader = createLoader(dataset, { batchSize: FRAMES_AT_ONCE, ...frameView({ grid }, dataset) });
  using progress = new Progress({ title, total, ...(mode === undefined ? {} : { mode }) });
  let done = 0;
  for await (const { images, shape, labels: own } of loader.epoch(0)) {
    const [frames, height, width] = shape;
    const pictures = Array.from({ length: frames }, (_, i): Raster => ({
      width,
      height,
      data: images.subarray(i * height * width * 3, (i + 1) * height * width * 3),
    }));
    for (const [i, picture] of pictures.entries()) {
      const small = resample(picture, { width: glance.side, height: glance.side, method: glance.resample });
      const sent = await decode(await encode(small, transfer.glance));
      normalizeInto(glances, (done + i) * glance.side * glance.side * 3, sent.data, table);
    }
    labels.set(own, done);
    const { data } = toInput(pictures, table);
    const places = Array.from(
      { length: frames * cells },
      (_, i) => [Math.floor(i / cells), i % cells] as const,
    );
    const read = tf.tidy(() =>
      reader.predict({ patch: cutPatches(grid, { images: data, shape }, places) })["logits"]!
    );
    logits.set(await read.data<"float32">(), done * cells * classes);
    read.dispose();
    done += frames;
    progress.advance(frames);
  }
  loader.close();
  return { glances, side: glance.side, logits, classes, labels };
}

/**
 * Where a place of a square of `side` comes from under one of the eight symmetries: bit 0 mirrors columns, bit 1 rows, bit 2
 * swaps them.
 */
export function symmetric(symmetry: number, place: number, side: number): number {
  const [row, column] = [Math.floor(place / side), place % side];
  const [i, j] = (symmetry & 4) === 0 ? [row, column] : [column, row];
  return ((symmetry & 2) === 0 ? i : side - 1 - i) * side + ((symmetry & 1) === 0 ? j : side - 1 - j);
}

/** A batch of a table: its images are the glances. */
export interface EvidenceBatch extends LabelledFrames {
  /** `int32[N]`, rows of the table. */
  readonly indices: Int32Array;
  /** `uint8[N]`, the symmetry every frame is shown under. */
  readonly symmetries: Uint8Array;
}

/** Rows of a table as a batch, under symmetries if there are any. */
export function evidenceBatch(
  { glances, side, labels }: Evidence,
  indices: Int32Array,
  symmetries: Uint8Array = new Uint8Array(indices.length),
): EvidenceBatch {
  const size = side * side * 3;
  const images = new Float32Array(indices.length * size);
  indices.forEach((row, n) => {
    for (let place = 0; place < side * side; place++) {
      const from = row * size + 3 * symmetric(symmetries[n]!, place, side);
      images.set(glances.subarray(from, from + 3), n * size + 3 * place);
    }
  });
  return {
    images,
    shape: [indices.length, side, side, 3],
    labels: indices.map((row) => labels[row]!),
    indices,
    symmetries,
  };
}

/** Shuffled batches of a table, by seed and epoch, every frame under a random symmetry: seen from above, none is the right one. */
export async function* evidenceBatches(
  evidence: Evidence,
  { seed, epoch, batchSize, from }: {
    readonly seed: number;
    readonly epoch: number;
    readonly batchSize: number;
    readonly from: number;
  },
): AsyncGenerator<EvidenceBatch> {
  const order = permutation(evidence.labels.length, stream(seed, `evidence/${epoch}`));
  for (let at = from * batchSize; at + batchSize <= order.length; at += batchSize) {
    const random = stream(seed, `evidence/${epoch}/${at}`);
    const symmetries = Uint8Array.from({ length: batchSize }, () => Math.floor(8 * random()));
    yield await Promise.resolve(evidenceBatch(evidence, order.slice(at, at + batchSize), symmetries));
  }
}

/** Reads actions from a table instead of pictures; the reader is frozen. */
export function evidenceVision(evidence: Evidence, grid: Grid): Vision {
  const cells = cellCount(grid);
  const { classes } = evidence;
  return {
    steady: true,
    logits(frames, actions) {
      const { indices, symmetries } = frames as EvidenceBatch;
      const n = indices.length;
      const rows = actions.length / cells;
      const sums = new Float32Array(rows * classes);
      for (let i = 0; i < actions.length; i++) {
        if (actions[i] !== 1) continue;
        const row = Math.floor(i / cells);
        const cell = symmetric(symmetries[row % n]!, i % cells, grid.columns);
        const from = (indices[row % n]! * cells + cell) * classes;
        for (let c = 0; c < classes; c++) sums[row * classes + c]! += evidence.logits[from + c]!;
      }
      return tf.tensor2d(sums, [rows, classes]);
    },
  };
}
