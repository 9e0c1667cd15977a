/**
 * The patch reader's own stage: single patches of small procedural scenes, whose object is where the renderer put it.
 *
 * A patch that holds the whole object is of its class; a patch the object does not touch is of no class; the rest is not
 * shown. "No class" is a logit fixed at 0, so that evidence is what a patch says above saying nothing:
 *
 *     loss = -log(exp(e[y]) / (1 + sum_c exp(e[c])))  with the 1 alone on top for no class
 *
 * Dimension key: P patches of a batch, C classes.
 *
 * @module
 */
import {
  type Box,
  cellCount,
  crop,
  type Grid,
  intersect,
  patchBox,
  patchSide,
} from "../core/geometry/mod.ts";
import { decode, encode, type EncodeOptions, type Raster } from "../core/image/mod.ts";
import { type Normalization, normalizationTable, toInput } from "../core/policy/mod.ts";
import { permutation, type Random, stream } from "../core/random.ts";
import type { ClassifierStageOptions } from "./classifier.ts";
import { renderScene } from "./data/mod.ts";
import { Held } from "./engine/held.ts";
import type { Learner } from "./engine/learner.ts";
import { Optimizer, rateAt } from "./engine/optimizer.ts";
import { hits, scoredStep } from "./engine/step.ts";
import { tf } from "./engine/tf.ts";
import type { Stage } from "./run.ts";

/** Patches of a batch; `label` C means no class. */
export interface PatchBatch {
  /** `uint8[side, side, 3]` each. */
  readonly patches: readonly Raster[];
  /** In 0 to C. */
  readonly labels: readonly number[];
}

/** What the stage works on. */
export interface ReaderStageParts {
  /** Name of the stage. */
  readonly name: string;
  /** Output `evidence` is trained; `logits` is what it becomes in a bundle. */
  readonly reader: Learner;
  /** Grid of the small scenes: the recipe's cells, fewer of them. */
  readonly grid: Grid;
  /** Number of classes, C. */
  readonly classes: number;
  /** What the reader sees. */
  readonly normalization: Normalization;
  /** How patches travel: the reader learns from what arrives. */
  readonly transfer: EncodeOptions;
  /** Seed of the scenes. */
  readonly seed: number;
  /** Scenes in an epoch; every epoch renders new ones. */
  readonly count: number;
  /** Measures after an epoch. */
  readonly validate?: NonNullable<Stage<PatchBatch>["validate"]>;
}

const inside = (inner: Box, outer: Box): boolean => {
  const common = intersect(inner, outer);
  return common !== undefined && common.w === inner.w && common.h === inner.h;
};

/** Every patch with the whole object, and as many without it, those with another object first. */
function patchesOf(
  { image, label, box, distractors }: ReturnType<typeof renderScene>,
  { grid, classes }: Pick<ReaderStageParts, "grid" | "classes">,
  random: Random,
): [Raster, number][] {
  const cells = Array.from({ length: cellCount(grid) }, (_, cell) => patchBox(grid, cell));
  const positive = cells.filter((patch) => inside(box, patch));
  const negative = cells.filter((patch) => intersect(box, patch) === undefined);
  const order = permutation(negative.length, random);
  const busy = (patch: Box): number => distractors.some((other) => inside(other, patch)) ? 0 : 1;
  const shown = Array.from(order, (i) => negative[i]!).sort((a, b) => busy(a) - busy(b));
  return [
    ...positive.map((patch): [Raster, number] => [crop(image, patch), label]),
    ...shown.slice(0, positive.length + 1).map((patch): [Raster, number] => [crop(image, patch), classes]),
  ];
}

/** The stage; a batch holds the patches of `batchSize` scenes. */
export function readerStage(parts: ReaderStageParts, options: ClassifierStageOptions): Stage<PatchBatch> {
  const { reader, grid, classes, seed, count, name } = parts;
  const batches = Math.floor(count / options.batchSize);
  const { optimizer, schedule } = options.update;
  const updater = new Optimizer(reader.trainable, optimizer, reader.decayed);
  const table = normalizationTable(parts.normalization);
  const size = grid.columns * grid.cell;

  async function* data(epoch: number, from: number): AsyncGenerator<PatchBatch> {
    for (let batch = from; batch < batches; batch++) {
      const found = Array.from({ length: options.batchSize }, (_, i) => {
        const index = (epoch * batches + batch) * options.batchSize + i;
        const scene = renderScene({ seed, index, split: "train", size });
        return patchesOf(scene, { grid, classes }, stream(seed, `${name}/patches/${index}`));
      }).flat();
      yield {
        patches: await Promise.all(
          found.map(async ([patch]) => await decode(await encode(patch, parts.transfer))),
        ),
        labels: found.map(([, label]) => label),
      };
    }
  }

  return {
    name,
    epochs: options.epochs,
    batches,
    batchSize: options.batchSize,
    optimizers: { classifier: updater },
    data,
    learn({ patches, labels }, place) {
      using held = new Held();
      const input = toInput(patches, table);
      const patch = held.add(
        tf.tensor4d(input.data, [patches.length, patchSide(grid), patchSide(grid), 3]),
      );
      const wanted = held.add(tf.tensor1d([...labels], "int32"));
      return scoredStep(
        {
          learners: [reader],
          updates: [{
            optimizer: updater,
            rate: rateAt({ ...schedule, total: options.epochs * batches }, place.step),
          }],
        },
        () => {
          const evidence = reader.train({ patch })["evidence"]!;
          const all = tf.concat([evidence, tf.zeros([patches.length, 1])], 1); // [P, C + 1]
          return {
            loss: tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(all), tf.oneHot(wanted, classes + 1)), 1))),
            scores: { accuracy: tf.mean(hits(all, wanted)) },
          };
        },
      );
    },
    ...(parts.validate === undefined ? {} : { validate: parts.validate }),
  };
}
