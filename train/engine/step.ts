/**
 * One training step: loss, gradients, optimisers, running statistics, no tensor left behind.
 *
 * @module
 */
import { compiled } from "./compiled.ts";
import type { Learner } from "./learner.ts";
import { softmaxCrossEntropy } from "./native_kernels.ts";
import type { Gradients, Optimizer } from "./optimizer.ts";
import { tf } from "./tf.ts";

/** What takes part in a step. */
export interface StepParts {
  /** Networks whose running statistics are settled afterwards. */
  readonly learners: readonly Learner[];
  /** Optimisers and the learning rate of each; a variable belongs to one of them at most. */
  readonly updates: readonly { readonly optimizer: Optimizer; readonly rate: number }[];
  /** Whether all steps have the same shapes, so that an engine may compile them. @default false */
  readonly steady?: boolean;
}

/**
 * One step down the gradient of a loss.
 *
 * Names of variables may repeat between networks; gradients are matched by variable.
 *
 * @param parts Networks and optimisers.
 * @param loss Computes the loss, a scalar; runs inside a tidy.
 * @returns The loss as a scalar the caller disposes of (reading it is the only wait of a step).
 */
export function step(parts: StepParts, loss: () => tf.Scalar): tf.Scalar {
  return compiled(() => move(parts, loss), parts.steady ?? false);
}

function move({ learners, updates }: StepParts, loss: () => tf.Scalar): tf.Scalar {
  const variables = updates.flatMap(({ optimizer }) => [...optimizer.variables.values()]);
  let made: { readonly value: tf.Scalar; readonly grads: tf.NamedTensorMap } | undefined;
  try {
    made = tf.variableGrads(loss, variables);
    const { value, grads } = made;
    for (const { optimizer, rate } of updates) {
      const own: Gradients = Object.fromEntries(
        [...optimizer.variables].map(([id, variable]) => [id, grads[variable.name]!]),
      );
      optimizer.apply(own, rate);
    }
    for (const learner of learners) learner.settle();
    return value;
  } catch (error) {
    for (const learner of learners) learner.forget();
    made?.value.dispose();
    dropTape();
    throw error;
  } finally {
    Object.values(made?.grads ?? {}).forEach((gradient) => gradient.dispose());
  }
}

/** Frees what operations kept for their gradients: tfjs does it itself, but not when the loss throws. */
function dropTape(): void {
  const { state } = tf.engine();
  for (const { saved } of state.activeTape ?? []) saved?.forEach((value) => value.dispose());
  state.activeTape = [];
}

/** A loss and what is to be known beside it, all of one pass. */
export interface Scored {
  /** A scalar. */
  readonly loss: tf.Scalar;
  /** Scalars by name; no gradient flows to them. */
  readonly scores: Readonly<Record<string, tf.Scalar>>;
}

/**
 * {@linkcode step} that also gives numbers of its forward pass.
 *
 * @param parts Networks and optimisers.
 * @param compute Computes loss and scores; runs inside a tidy.
 * @returns `loss` and the scores, scalars the caller disposes of; nothing is left if it throws.
 */
export function scoredStep(
  parts: StepParts,
  compute: () => Scored,
): { readonly loss: tf.Scalar; readonly [score: string]: tf.Scalar } {
  let scores: Scored["scores"] = {};
  try {
    const loss = step(parts, () => {
      const scored = compute();
      scores = scored.scores;
      for (const score of Object.values(scores)) tf.keep(score);
      return scored.loss;
    });
    return { loss, ...scores };
  } catch (error) {
    tf.dispose({ ...scores });
    throw error;
  }
}

/** 1 where the largest of logits `float32[N, C]` is that of the label `int32[N]`, 0 elsewhere: `float32[N]`. */
export function hits(logits: tf.Tensor, labels: tf.Tensor1D): tf.Tensor1D {
  return tf.cast(tf.equal(tf.argMax(logits, 1), labels), "float32");
}

/** Mean cross-entropy of logits `float32[N, C]` and labels `int32[N]`, a scalar. */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor1D): tf.Scalar {
  return tf.mean(softmaxCrossEntropy({ logits: logits as tf.Tensor2D, labels }));
}

/**
 * Mean cross-entropy against the softened answers of a teacher, times the temperature squared (Hinton et al. 2015,
 * https://arxiv.org/abs/1503.02531), a scalar.
 */
export function distillation(logits: tf.Tensor, teacher: tf.Tensor, temperature: number): tf.Scalar {
  const wanted = tf.softmax(tf.div(teacher, temperature));
  const given = tf.logSoftmax(tf.div(logits, temperature));
  return tf.mul(tf.neg(tf.mean(tf.sum(tf.mul(wanted, given), -1))), temperature * temperature);
}

/** `f(x)` as a constant of the gradient: what it computes may have no derivative. */
export function withoutGradient<T extends tf.Tensor>(x: tf.Tensor, f: (x: tf.Tensor) => T): T {
  const held = tf.customGrad((input) => ({
    value: f(input as tf.Tensor),
    gradFunc: () => tf.zerosLike(input as tf.Tensor),
  }));
  return held(x) as T;
}
