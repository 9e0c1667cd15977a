/**
 * Measuring while training: greedy policies on validation data, and tables of belief along the policy's ranking.
 *
 * @module
 */
import { cellCount, type Grid } from "../core/geometry/mod.ts";
import type { Fusion } from "../core/policy/mod.ts";
import { compiled } from "./engine/compiled.ts";
import type { Learner } from "./engine/learner.ts";
import { crossEntropy, hits } from "./engine/step.ts";
import { tf } from "./engine/tf.ts";
import { type GlanceOptions, glancesOf } from "./glance.ts";
import { type Actors, greedyActions, type LabelledFrames, usage } from "./patchdrop.ts";
import type { Vision } from "./vision.ts";

/** What is measured. */
export interface MeasureParts {
  /** Networks. */
  readonly actors: Actors;
  /** Reads actions with the classifier. */
  readonly vision: Vision;
  /** Cells. */
  readonly grid: Grid;
  /** How glances are made. */
  readonly glance: GlanceOptions;
  /** How glance logits count. */
  readonly fusion: Fusion;
}

/** What a greedy policy did. */
export interface GreedyReport {
  /** Share of right answers. */
  readonly accuracy: number;
  /** Mean number of cells. */
  readonly used: number;
  /** Standard deviation of the number of cells. */
  readonly used_std: number;
  /** Number of different actions. */
  readonly distinct: number;
}

/** Logits with the glance stream, when anything was looked at; of the glance alone when nothing was. */
export function fuse(
  patches: Float32Array,
  glance: Float32Array | undefined,
  share: number,
  fusion: Fusion,
): Float32Array {
  if (glance !== undefined && share === 0) return glance;
  if (glance === undefined || fusion === "none") return patches;
  const r = fusion === "sum" ? 1 : share;
  const weight = fusion === "sum" ? 1 : 1 - share;
  return patches.map((value, i) => r * value + weight * glance[i]!);
}

/** Probabilities `float32[N * K]` of the policy and, if there is one, logits `float32[N * C]` of the glance classifier. */
export async function look(
  { actors, glance: options }: Pick<MeasureParts, "actors" | "glance">,
  batch: LabelledFrames,
): Promise<{ probabilities: Float32Array; glance: Float32Array | undefined }> {
  const [probabilities, glance] = compiled(() =>
    tf.tidy(() => {
      const input = glancesOf(batch, options);
      return [
        tf.sigmoid(actors.policy.predict({ glance: input })["logits"]!),
        actors.glance?.predict({ glance: input })["logits"],
      ] as const;
    })
  );
  const result = {
    probabilities: (await probabilities.data<"float32">()).slice(),
    glance: (await glance?.data<"float32">())?.slice(),
  };
  tf.dispose([probabilities, glance ?? []]);
  return result;
}

/** Logits `float32[rows * C]` of actions, read back. */
export async function readLogits(
  vision: Vision,
  batch: LabelledFrames,
  actions: Float32Array,
): Promise<Float32Array> {
  const logits = compiled(() => tf.tidy(() => vision.logits(batch, actions)), vision.steady);
  const data = (await logits.data<"float32">()).slice();
  logits.dispose();
  return data;
}

function best(values: Float32Array, from: number, to: number): number {
  let index = from;
  for (let i = from + 1; i < to; i++) if (values[i]! > values[index]!) index = i;
  return index - from;
}

/** Something that gives batches: a loader, or a table. */
export interface Batches {
  /** Batches of an epoch. */
  epoch(epoch: number): AsyncIterable<LabelledFrames>;
}

/** The greedy policy on a data set, running statistics everywhere. */
export async function measureGreedy(parts: MeasureParts, loader: Batches): Promise<GreedyReport> {
  const cells = cellCount(parts.grid);
  const counts: number[] = [];
  const patterns = new Set<string>();
  let right = 0;
  for await (const batch of loader.epoch(0)) {
    const { probabilities, glance } = await look(parts, batch);
    const actions = greedyActions(probabilities);
    const logits = await readLogits(parts.vision, batch, actions);
    const used = usage(actions, cells);
    const classes = logits.length / used.length;
    used.forEach((count, n) => {
      const own = glance?.subarray(n * classes, (n + 1) * classes);
      const all = fuse(logits.subarray(n * classes, (n + 1) * classes), own, count / cells, parts.fusion);
      if (best(all, 0, classes) === batch.labels[n]) right += 1;
      counts.push(count);
      patterns.add(actions.subarray(n * cells, (n + 1) * cells).join(""));
    });
  }
  const mean = counts.reduce((total, count) => total + count, 0) / counts.length;
  const variance = counts.reduce((total, count) => total + (count - mean) ** 2, 0) / counts.length;
  return {
    accuracy: right / counts.length,
    used: mean,
    used_std: Math.sqrt(variance),
    distinct: patterns.size,
  };
}

/** A classifier on whole pictures, running statistics: share of right answers and mean cross-entropy. */
export async function measureClassifier(
  learner: Learner,
  loader: Batches,
): Promise<{ accuracy: number; loss: number }> {
  const input = learner.graph.inputs[0]!.id;
  let [right, loss, total] = [0, 0, 0];
  for await (const { images, labels, shape } of loader.epoch(0)) {
    const sums = compiled(() =>
      tf.tidy(() => {
        const logits = learner.predict({ [input]: tf.tensor4d(images, [...shape]) })["logits"]!;
        const wanted = tf.tensor1d(labels, "int32");
        return tf.stack([
          tf.sum(hits(logits, wanted)),
          tf.mul(crossEntropy(logits, wanted), labels.length),
        ]);
      })
    );
    const [correct, entropy] = await sums.data<"float32">();
    sums.dispose();
    right += correct!;
    loss += entropy!;
    total += labels.length;
  }
  return { accuracy: right / total, loss: loss / total };
}

/** The classifier alone, all cells on, and the glance classifier alone: share of right answers. */
export async function measureWhole(
  parts: MeasureParts,
  loader: Batches,
): Promise<{ full: number; glance: number }> {
  let [full, glanced, total] = [0, 0, 0];
  for await (const batch of loader.epoch(0)) {
    const n = batch.labels.length;
    const logits = await readLogits(parts.vision, batch, new Float32Array(n * cellCount(parts.grid)).fill(1));
    const { glance } = await look(parts, batch);
    const classes = logits.length / n;
    for (let i = 0; i < n; i++) {
      if (best(logits, i * classes, (i + 1) * classes) === batch.labels[i]) full += 1;
      if (glance !== undefined && best(glance, i * classes, (i + 1) * classes) === batch.labels[i]) {
        glanced += 1;
      }
    }
    total += n;
  }
  return { full: full / total, glance: glanced / total };
}
