/**
 * Supervised stages: a classifier on pictures, on whole frames, on masked frames, or on glances.
 *
 * Dimension key: N batch, K cells, C classes.
 *
 * @module
 */
import { cellCount, type Grid } from "../core/geometry/mod.ts";
import { permutation, stream } from "../core/random.ts";
import { Held } from "./engine/held.ts";
import type { Learner } from "./engine/learner.ts";
import { Optimizer, rateAt } from "./engine/optimizer.ts";
import { crossEntropy, distillation, hits, scoredStep } from "./engine/step.ts";
import { tf } from "./engine/tf.ts";
import { type GlanceOptions, glancesOf } from "./glance.ts";
import { greedyActions, type LabelledFrames, type UpdateOptions } from "./patchdrop.ts";
import { dropoutSeed, type Place, type Stage } from "./run.ts";
import { type Vision, wholeLogits } from "./vision.ts";

/** Options of a supervised stage. */
export interface ClassifierStageOptions {
  /** Passes over the data. */
  readonly epochs: number;
  /** Frames per batch. */
  readonly batchSize: number;
  /** Update of the classifier. */
  readonly update: UpdateOptions;
  /** Weight of the loss against the teacher's answers on whole frames. @default 0 */
  readonly distill?: number;
}

/** What every supervised stage works on. */
export interface ClassifierStageParts {
  /** Name of the stage. */
  readonly name: string;
  /** The network that learns. */
  readonly learner: Learner;
  /** Logits `float32[N, C]` of a batch in training mode. */
  readonly logits: (batch: LabelledFrames, place: Place) => tf.Tensor;
  /** Whether all batches have logits of the same operations and shapes, so that an engine may compile the step. */
  readonly steady: boolean;
  /** Whole-frame teacher: input `image`, output `logits`. */
  readonly teacher?: Learner;
  /** Batches of an epoch. */
  readonly batches: number;
  /** Batches of an epoch from a batch on. */
  readonly data: Stage<LabelledFrames>["data"];
  /** Measures after an epoch. */
  readonly validate?: NonNullable<Stage<LabelledFrames>["validate"]>;
}

/** A supervised stage. */
export function classifierStage(
  parts: ClassifierStageParts,
  options: ClassifierStageOptions,
): Stage<LabelledFrames> {
  const { learner, teacher, name } = parts;
  const { schedule, optimizer } = options.update;
  const updater = new Optimizer(learner.trainable, optimizer, learner.decayed);
  const total = options.epochs * parts.batches;
  const distill = options.distill ?? 0;
  return {
    name,
    epochs: options.epochs,
    batches: parts.batches,
    batchSize: options.batchSize,
    optimizers: { classifier: updater },
    data: parts.data,
    learn(batch, place) {
      using held = new Held();
      const labels = held.add(tf.tensor1d(batch.labels, "int32"));
      const wanted = teacher === undefined || distill === 0
        ? undefined
        : held.add(wholeLogits(teacher, batch));
      return scoredStep(
        {
          learners: [learner],
          steady: parts.steady,
          updates: [{ optimizer: updater, rate: rateAt({ ...schedule, total }, place.step) }],
        },
        () => {
          const logits = parts.logits(batch, place);
          const own = crossEntropy(logits, labels);
          return {
            loss: wanted === undefined ? own : tf.add(own, tf.mul(distillation(logits, wanted, 2), distill)),
            scores: { accuracy: tf.mean(hits(logits, labels)) },
          };
        },
      );
    },
    ...(parts.validate === undefined ? {} : { validate: parts.validate }),
  };
}

/** Every cell of every frame on, `float32[N * K]`. */
export function allCells(frames: number, grid: Grid): Float32Array {
  return new Float32Array(frames * cellCount(grid)).fill(1);
}

/**
 * Random actions: each frame draws a keep probability, uniform in `[least, 1]`, then each cell is kept with it.
 *
 * @returns `float32[N * K]`.
 */
export function randomActions(frames: number, grid: Grid, least: number, random: () => number): Float32Array {
  const cells = cellCount(grid);
  const actions = new Float32Array(frames * cells);
  for (let n = 0; n < frames; n++) {
    const keep = least + (1 - least) * random();
    for (let k = 0; k < cells; k++) actions[n * cells + k] = random() < keep ? 1 : 0;
  }
  return actions;
}

/**
 * Nested actions: each frame draws a number of cells, uniform in `least` to K, and takes that many of the policy's ranking.
 * So the classifier learns every stage of a patient episode. One frame in four takes the policy's greedy action.
 *
 * @param probabilities `float32[N * K]` of the policy.
 * @returns `float32[N * K]`.
 */
export function nestedActions(
  probabilities: Float32Array,
  cells: number,
  least: number,
  random: () => number,
): Float32Array {
  const actions = greedyActions(probabilities);
  for (let from = 0; from < actions.length; from += cells) {
    if (random() < 0.25) continue;
    const own = probabilities.subarray(from, from + cells);
    const ties = permutation(cells, random);
    const order = Array.from(own.keys()).sort((a, b) => own[b]! - own[a]! || ties[a]! - ties[b]!);
    const count = least + Math.floor(random() * (cells - least + 1));
    for (let k = 0; k < cells; k++) actions[from + order[k]!] = k < count ? 1 : 0;
  }
  return actions;
}

/** Logits of frames with all cells on, or masked at random from `keepLeast` on. */
export function frameLogits(
  vision: Vision,
  grid: Grid,
  { seed, keepLeast }: { readonly seed: number; readonly keepLeast: number },
): ClassifierStageParts["logits"] {
  return (batch, place) => {
    const { stage, epoch, batch: index } = place;
    const frames = batch.shape[0];
    const actions = keepLeast >= 1
      ? allCells(frames, grid)
      : randomActions(frames, grid, keepLeast, stream(seed, `masks/${stage}/${epoch}/${index}`));
    return vision.logits(batch, actions, dropoutSeed(seed, place));
  };
}

/** Logits of the glances of frames. */
export function glanceLogits(
  learner: Learner,
  options: GlanceOptions & { readonly seed: number },
): ClassifierStageParts["logits"] {
  return (batch, place) =>
    learner.train({ glance: glancesOf(batch, options) }, dropoutSeed(options.seed, place))["logits"]!;
}

/**
 * Logits of whole pictures by any network of the zoo.
 *
 * @throws {RangeError} From the logits, if the pictures of a batch have another size than the network's input.
 */
export function pictureLogits(learner: Learner, seed: number): ClassifierStageParts["logits"] {
  const { id, shape: [, rows, columns] } = learner.graph.inputs[0]!;
  return ({ images, shape }, place) => {
    const [, height, width] = shape;
    if (height !== rows || width !== columns) {
      throw new RangeError(
        `Cannot train ${learner.graph.name}: pictures are ${width} x ${height} px after augmentation, ` +
          `must be ${columns} x ${rows}`,
      );
    }
    return learner.train({ [id]: tf.tensor4d(images, [...shape]) }, dropoutSeed(seed, place))["logits"]!;
  };
}
