/**
 * PatchDrop: a policy sees the glance and switches cells on; a classifier reads the cells.
 *
 * Uzkent and Ermon 2020, https://arxiv.org/abs/2003.00425. Defaults are the recipe of the authors' 2020 code; options give the
 * paper's and the 2019 code's variants and better estimators. Details that change results:
 *
 * 1. The glance is made from the normalised, augmented frame (nearest neighbour for CIFAR, no antialiasing).
 * 2. Cells that are off are 0 after normalisation: the mean colour.
 * 3. While exploring, probabilities are `alpha * s + (1 - alpha) * (1 - s)`, `alpha` constant.
 * 4. The greedy action thresholds `s` at one half; it is the baseline of the sampled action (self-critical).
 * 5. Reward `1 - (used / K)^2` when the class is right, a penalty otherwise; both actions see the same augmented frame.
 * 6. Pre-training: classifier frozen with running statistics; loss is the mean over batch and cells of `-log p(u_k) A`.
 * 7. Finetuning: classifier in training mode, both passes move its running statistics; loss is the mean over the batch of
 *    `-(sum_k log p(u_k)) A` plus cross-entropy on the sampled action. (K times the scale of pre-training.)
 * 8. Two-stream: logits of a frozen glance classifier are added in the reward and in the cross-entropy.
 *
 * Departures, all off by default: masks for the first stage, several samples with a leave-one-out baseline, a learned value,
 * distillation from the classifier's own answers on whole frames, and `zeroAt` for grids so fine that the share of cells used
 * is always small.
 *
 * Dimension key: N batch, S samples, K cells, C classes.
 *
 * @module
 */
import { cellCount, type Grid } from "../core/geometry/mod.ts";
import type { Fusion, ReadingName } from "../core/policy/mod.ts";
import { stream } from "../core/random.ts";
import { compiled } from "./engine/compiled.ts";
import { Held } from "./engine/held.ts";
import type { Learner } from "./engine/learner.ts";
import { Optimizer, type OptimizerOptions, rateAt, type Schedule } from "./engine/optimizer.ts";
import { crossEntropy, distillation, hits, scoredStep, withoutGradient } from "./engine/step.ts";
import { tf } from "./engine/tf.ts";
import { type GlanceOptions, glancesOf } from "./glance.ts";
import { dropoutSeed, type Place, type Scalars, type Stage } from "./run.ts";
import { type Frames, type Vision, wholeLogits } from "./vision.ts";

/** How the advantage of an action is estimated. */
export type Estimator = "self-critical" | "leave-one-out" | "value";

/** Optimiser and learning rate of one network in one stage. */
export interface UpdateOptions {
  /** Optimiser. */
  readonly optimizer: OptimizerOptions;
  /** Learning rate; steps of `milestones` and `warmup` are counted in batches, `total` is the stage. */
  readonly schedule: Schedule;
}

/** Options of one reinforcement stage. */
export interface PolicyStageOptions {
  /** Passes over the data. */
  readonly epochs: number;
  /** Frames per batch, N. */
  readonly batchSize: number;
  /** Reward of a wrong answer, at most 0. */
  readonly penalty: number;
  /** `quadratic` (2020 code and paper) or `linear` (2019 code). @default "quadratic" */
  readonly reward: "quadratic" | "linear";
  /** Cells at which a right answer is worth nothing. @default K */
  readonly zeroAt: number;
  /** Exploration, in (0.5, 1]. @default 0.8 */
  readonly alpha: number;
  /** Baseline. @default "self-critical" */
  readonly estimator: Estimator;
  /** Actions per frame, S; at least 2 for `leave-one-out`. @default 1 */
  readonly samples: number;
  /** Whether the loss is averaged or (2019 code) summed over the batch. @default "mean" */
  readonly reduction: "mean" | "sum";
  /** 2019 code: in epoch e only the first e + 1 cells are free, the others are on. @default false */
  readonly curriculum: boolean;
  /** Weight of the loss against the frozen teacher's answers on whole frames; 0: none. @default 0 */
  readonly distill: number;
  /** How glance logits are combined; `none` ignores them. @default "none" */
  readonly fusion: Fusion;
  /** Update of the policy. */
  readonly policy: UpdateOptions;
  /** Update of the classifier; absent: it is frozen (pre-training). */
  readonly classifier?: UpdateOptions;
}

/** The 2020 recipe of a stage; `cells` is K. */
export function published(stage: "pretrain" | "finetune" | "two-stream", cells: number): PolicyStageOptions {
  const adam: UpdateOptions = { optimizer: { kind: "adam" }, schedule: { kind: "constant", base: 1e-4 } };
  const common = {
    reward: "quadratic",
    zeroAt: cells,
    alpha: 0.8,
    estimator: "self-critical",
    samples: 1,
    reduction: "mean",
    curriculum: false,
    distill: 0,
    policy: adam,
  } as const;
  if (stage === "pretrain") return { ...common, epochs: 200, batchSize: 1024, penalty: -0.5, fusion: "none" };
  const fusion = stage === "two-stream" ? "sum" : "none";
  return { ...common, epochs: 200, batchSize: 128, penalty: -10, fusion, classifier: adam };
}

/**
 * Checks the options of a stage.
 *
 * @throws {RangeError} Naming the option, what is and what must be.
 */
export function resolve(options: PolicyStageOptions, cells: number): PolicyStageOptions {
  const need = (holds: boolean, name: keyof PolicyStageOptions, must: string): void => {
    if (!holds) throw new RangeError(`Cannot train policy: ${name} is ${options[name]}, must be ${must}`);
  };
  need(Number.isInteger(options.epochs) && options.epochs >= 0, "epochs", "an integer of 0 or more");
  need(Number.isInteger(options.batchSize) && options.batchSize >= 1, "batchSize", "an integer of 1 or more");
  need(options.penalty <= 0, "penalty", "0 or less");
  need(options.alpha > 0.5 && options.alpha <= 1, "alpha", "in (0.5, 1]");
  need(options.zeroAt > 0 && options.zeroAt <= cells, "zeroAt", `in (0, ${cells}]`);
  const least = options.estimator === "leave-one-out" ? 2 : 1;
  need(
    Number.isInteger(options.samples) && options.samples >= least,
    "samples",
    `an integer of ${least} or more`,
  );
  need(options.distill >= 0, "distill", "0 or more");
  return Object.freeze({ ...options });
}

/**
 * Actions of exploring: `u ~ Bernoulli(alpha s + (1 - alpha)(1 - s))`, S times for each row.
 *
 * @param probabilities `float32[N * K]`, `s`.
 * @returns `float32[S * N * K]` of 0 and 1.
 */
export function sampleActions(
  probabilities: Float32Array,
  { alpha, samples, random }: {
    readonly alpha: number;
    readonly samples: number;
    readonly random: () => number;
  },
): Float32Array {
  const actions = new Float32Array(samples * probabilities.length);
  for (let i = 0; i < actions.length; i++) {
    const s = probabilities[i % probabilities.length]!;
    actions[i] = random() < alpha * s + (1 - alpha) * (1 - s) ? 1 : 0;
  }
  return actions;
}

/** The greedy action `float32[N * K]`: on where `s >= 1/2`. */
export function greedyActions(probabilities: Float32Array): Float32Array {
  return probabilities.map((s) => s >= 0.5 ? 1 : 0);
}

/** Number of cells on per row, `float32[rows]`. */
export function usage(actions: Float32Array, cells: number): Float32Array {
  const used = new Float32Array(actions.length / cells);
  for (let i = 0; i < actions.length; i++) used[Math.floor(i / cells)]! += actions[i]!;
  return used;
}

/** Worth of a right answer by cells used, before correctness is known, `float32[rows]`. */
function worth(used: Float32Array, { reward, zeroAt }: PolicyStageOptions): Float32Array {
  return used.map((count) => reward === "quadratic" ? 1 - (count / zeroAt) ** 2 : 1 - count / zeroAt);
}

/** Rewards `float32[rows]` of logits `float32[rows, C]`. */
function rewards(
  logits: tf.Tensor,
  labels: tf.Tensor1D,
  used: Float32Array,
  options: PolicyStageOptions,
): [reward: tf.Tensor1D, correct: tf.Tensor1D] {
  const correct = withoutGradient(logits, (x) => hits(x, labels));
  const value = tf.tensor1d(worth(used, options));
  if (options.reward === "linear") return [tf.add(value, tf.mul(correct, 0.5)), correct];
  return [tf.add(tf.mul(correct, value), tf.mul(tf.sub(1, correct), options.penalty)), correct];
}

/**
 * Advantages `float32[S, N]`.
 *
 * - `self-critical`: `A[s, n] = R[s, n] - R_greedy[n]` (Rennie et al. 2017)
 * - `leave-one-out`: `A[s, n] = R[s, n] - mean of R[t, n] over t != s` (Kool et al. 2019)
 * - `value`: `A[s, n] = R[s, n] - V[n]`
 *
 * @param reward `float32[S, N]`.
 * @param baseline `float32[N]`: greedy rewards or values; not read for `leave-one-out`.
 */
export function advantages(
  reward: tf.Tensor2D,
  baseline: tf.Tensor1D | undefined,
  estimator: Estimator,
): tf.Tensor2D {
  if (estimator !== "leave-one-out") return tf.sub(reward, baseline!);
  const samples = reward.shape[0];
  const others = tf.div(tf.sub(tf.sum(reward, 0, true), reward), samples - 1);
  return tf.sub(reward, others);
}

/**
 * Log-probabilities of actions, `float32[S, N, K]`.
 *
 * @param logits `float32[N, K]` of the policy.
 * @param actions `float32[S, N, K]`.
 */
export function logProbabilities(logits: tf.Tensor, actions: tf.Tensor3D, alpha: number): tf.Tensor3D {
  const s = tf.sigmoid(logits);
  const p = tf.clipByValue(tf.add(tf.mul(s, 2 * alpha - 1), 1 - alpha), 1e-6, 1 - 1e-6);
  return tf.add(tf.mul(actions, tf.log(p)), tf.mul(tf.sub(1, actions), tf.log(tf.sub(1, p))));
}

/** A batch of labelled frames. */
export interface LabelledFrames extends Frames {
  /** `int32[N]`. */
  readonly labels: Int32Array;
}

/** Networks of a run. */
export interface Actors {
  /** Input `glance`, outputs `logits` `[N, K]` and, for the value estimator, `value` `[N, 1]`. */
  readonly policy: Learner;
  /** The classifier or reader. */
  readonly classifier: Learner;
  /** Glance classifier, for fusion. */
  readonly glance?: Learner;
  /** Whole-frame teacher, for distillation: input `image`, output `logits`. */
  readonly teacher?: Learner;
}

/** What a reinforcement stage works on. */
export interface PolicyStageParts {
  /** Name of the stage. */
  readonly name: string;
  /** Networks. */
  readonly actors: Actors;
  /** Reads actions with the classifier. */
  readonly vision: Vision;
  /** Cells. */
  readonly grid: Grid;
  /** How patches are read. */
  readonly reading: ReadingName;
  /** How glances are made. */
  readonly glance: GlanceOptions;
  /** Seed of the run. */
  readonly seed: number;
  /** Batches of an epoch. */
  readonly batches: number;
  /** Batches of an epoch from a batch on. */
  readonly data: Stage<LabelledFrames>["data"];
  /** Measures after an epoch. */
  readonly validate?: NonNullable<Stage<LabelledFrames>["validate"]>;
}

/** One rollout: what was tried on one batch. */
interface Rollout {
  readonly glance: tf.Tensor4D;
  readonly labels: tf.Tensor1D;
  /** `float32[S * N * K]`. */
  readonly actions: Float32Array;
  /** `float32[N * K]`. */
  readonly greedy: Float32Array;
  /** `float32[N]`, the policy's own estimate of the reward, for the value estimator. */
  readonly values: tf.Tensor1D | undefined;
  /** Cells the policy decided; the others were forced by the curriculum. `float32[K]` */
  readonly free: Float32Array;
}

/** What the loss of a stage reaches: a value head that another stage learned rests. */
function reached(policy: Learner, { estimator }: PolicyStageOptions): Map<string, tf.Variable> {
  return new Map([...policy.trainable].filter(([id]) => estimator === "value" || !id.startsWith("value.")));
}

/** A reinforcement stage: pre-training, finetuning or two-stream, by its options. */
export function policyStage(parts: PolicyStageParts, given: PolicyStageOptions): Stage<LabelledFrames> {
  const { actors, vision, grid, name } = parts;
  const cells = cellCount(grid);
  const options = resolve(given, cells);
  const { policy, classifier } = actors;
  const total = options.epochs * parts.batches;
  const joint = options.classifier;
  const read = <T extends tf.TensorContainer>(f: () => T): T => compiled(() => tf.tidy(f), vision.steady);
  const optimizers: Record<string, Optimizer> = {
    policy: new Optimizer(reached(policy, options), options.policy.optimizer, policy.decayed),
    ...(joint === undefined
      ? {}
      : { classifier: new Optimizer(classifier.trainable, joint.optimizer, classifier.decayed) }),
  };

  /** Logits with the glance stream added. [8] */
  function fused(logits: tf.Tensor, glance: tf.Tensor, greedy: Float32Array): tf.Tensor {
    if (options.fusion === "none" || actors.glance === undefined) return logits;
    const own = actors.glance.predict({ glance })["logits"]!;
    const copies = logits.shape[0]! / own.shape[0]!;
    const all = copies === 1 ? own : tf.tile(own, [copies, 1]);
    if (options.fusion === "sum") return tf.add(logits, all);
    // The greedy count weighs both actions, as in the 2019 code.
    const share = tf.tile(tf.tensor2d(usage(greedy, cells).map((used) => used / cells), [own.shape[0]!, 1]), [
      copies,
      1,
    ]);
    return tf.add(tf.mul(share, logits), tf.mul(tf.sub(1, share), all));
  }

  async function collect(batch: LabelledFrames, place: Place): Promise<Rollout> {
    using held = new Held();
    const glance = held.add(glancesOf(batch, parts.glance)); // [1]
    const [chances, values] = compiled(() =>
      tf.tidy(() => {
        const { logits, value } = policy.train({ glance });
        return [
          tf.sigmoid(logits!),
          value === undefined ? undefined : tf.reshape(value, [-1]) as tf.Tensor1D,
        ] as const;
      })
    );
    policy.forget(); // update() passes the same batch again and settles the statistics once
    if (values !== undefined) held.add(values);
    const probabilities = await chances.data<"float32">();
    chances.dispose();
    const random = stream(parts.seed, `actions/${name}/${place.epoch}/${place.batch}`);
    const free = Float32Array.from(
      { length: cells },
      (_, k) => !options.curriculum || k <= place.epoch ? 1 : 0,
    );
    const force = (actions: Float32Array): Float32Array =>
      actions.map((u, i) => free[i % cells] === 1 ? u : 1);
    held.release(); // update() takes them over
    return {
      glance,
      labels: tf.tensor1d(batch.labels, "int32"),
      greedy: force(greedyActions(probabilities)), // [4]
      actions: force(sampleActions(probabilities, { ...options, random })), // [3]
      values,
      free,
    };
  }

  function update(batch: LabelledFrames, rollout: Rollout, place: Place): Scalars {
    using held = new Held();
    using kept = new Held();
    const { actions, greedy, free } = rollout;
    const [glance, labels] = [held.add(rollout.glance), held.add(rollout.labels)];
    const values = rollout.values === undefined ? undefined : held.add(rollout.values);
    const [n, s] = [batch.labels.length, options.samples];
    const tiled = s === 1 ? labels : held.add(tf.tile(labels, [s]));
    const seed = dropoutSeed(parts.seed, place);
    const judge = (u: Float32Array, y: tf.Tensor1D, logits: tf.Tensor): [tf.Tensor1D, tf.Tensor1D] =>
      rewards(logits, y, usage(u, cells), options);
    const judged = options.estimator === "self-critical"
      ? read(() => {
        const [reward, correct] = judge(
          greedy,
          labels,
          fused(vision.logits(batch, greedy, joint === undefined ? undefined : seed), glance, greedy),
        ); // [5] [7]
        return [reward, tf.mean<tf.Scalar>(correct)] as [tf.Tensor1D, tf.Scalar];
      })
      : undefined;
    const baseline = judged && held.add(judged[0]);
    const earlier = judged === undefined ? {} : { greedy_accuracy: kept.add(judged[1]) };
    const frozen = joint === undefined
      ? held.add(read(() => fused(vision.logits(batch, actions), glance, greedy))) // [6]
      : undefined;
    const teacher = options.distill > 0 && actors.teacher !== undefined
      ? held.add(wholeLogits(actors.teacher, batch))
      : undefined;
    const learners = joint === undefined ? [policy] : [policy, classifier];
    const rate = (schedule: Schedule): number => rateAt({ ...schedule, total }, place.step);
    const { loss, ...scores } = scoredStep({
      learners,
      steady: joint === undefined || vision.steady,
      updates: [
        { optimizer: optimizers["policy"]!, rate: rate(options.policy.schedule) },
        ...(joint === undefined
          ? []
          : [{ optimizer: optimizers["classifier"]!, rate: rate(joint.schedule) }]),
      ],
    }, () => {
      const outputs = policy.train({ glance });
      const logits = frozen ?? fused(vision.logits(batch, actions, seed), glance, greedy);
      const [reward, correct] = judge(actions, tiled, logits);
      const learned = outputs["value"] === undefined ? undefined : tf.reshape(outputs["value"], [n]);
      const table = tf.reshape(reward, [s, n]) as tf.Tensor2D;
      // tfjs has no stop of gradients: values of the rollout are constants here, those of this pass are learned.
      const advantage = tf.reshape(advantages(table, baseline ?? values, options.estimator), [
        s,
        n,
        1,
      ]);
      const taken = logProbabilities(outputs["logits"]!, tf.tensor3d(actions, [s, n, cells]), options.alpha);
      const credit = tf.mul(tf.mul(taken, tf.tensor1d(free)), advantage);
      const mean = joint === undefined ? tf.mean(credit) : tf.mean(tf.sum(credit, -1)); // [6] [7]
      let sum = tf.neg(options.reduction === "mean" ? mean : tf.mul(mean, n));
      if (joint !== undefined) sum = tf.add(sum, crossEntropy(logits, tiled));
      if (teacher !== undefined && joint !== undefined) {
        sum = tf.add(
          sum,
          tf.mul(distillation(logits, s === 1 ? teacher : tf.tile(teacher, [s, 1]), 2), options.distill),
        );
      }
      if (options.estimator === "value" && learned !== undefined) {
        sum = tf.add(sum, tf.mul(tf.mean(tf.square(tf.sub(tf.mean(table, 0), learned))), 0.5));
      }
      return { loss: sum as tf.Scalar, scores: { reward: tf.mean(reward), accuracy: tf.mean(correct) } };
    });
    kept.release();
    return {
      loss,
      ...earlier,
      ...scores,
      used: tf.scalar(mean(usage(actions, cells))),
      greedy_used: tf.scalar(mean(usage(greedy, cells))),
    };
  }

  return {
    name,
    epochs: options.epochs,
    batches: parts.batches,
    batchSize: options.batchSize,
    optimizers,
    data: parts.data,
    async learn(batch, place) {
      try {
        return update(batch, await collect(batch, place), place);
      } catch (error) {
        // Statistics of passes before the one that failed.
        for (const learner of [policy, classifier]) learner.forget();
        throw error;
      }
    },
    ...(parts.validate === undefined ? {} : { validate: parts.validate }),
  };
}

function mean(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
