/**
 * Validation data, cut from training data. The test set is for `evaluate` alone.
 *
 * @module
 */
import { permutation, stream } from "../../core/random.ts";
import { type Dataset, subset } from "./dataset.ts";

/** A data set in two disjoint parts. */
export interface Split {
  /** What is learned from. */
  readonly train: Dataset;
  /** What is measured on while learning. */
  readonly validation: Dataset;
}

/** How a data set is cut. */
export interface SplitOptions {
  /** Pictures of the validation part; every class gives its share, rounded. */
  readonly validation: number;
  /** Which ones. */
  readonly seed: number;
}

/**
 * Cuts a data set, class by class, at random: the same seed gives the same parts.
 *
 * @throws {RangeError} If a part would be empty.
 */
export async function split(dataset: Dataset, { validation, seed }: SplitOptions): Promise<Split> {
  if (!(validation >= 1 && validation < dataset.length)) {
    throw new RangeError(
      `Cannot split ${dataset.name}: validation is ${validation}, must be in 1 to ${dataset.length - 1}`,
    );
  }
  const held = new Set<number>();
  const members = Map.groupBy(dataset.labels.keys(), (i) => dataset.labels[i]!);
  for (const [label, indices] of members) {
    const order = permutation(indices.length, stream(seed, `split/${label}`));
    const count = Math.round(indices.length * validation / dataset.length);
    for (const place of order.subarray(0, count)) held.add(indices[place]!);
  }
  if (held.size === 0 || held.size === dataset.length) {
    throw new RangeError(
      `Cannot split ${dataset.name}: ${validation} of ${dataset.length} pictures leave a part empty, ask for another share`,
    );
  }
  const all = Int32Array.from({ length: dataset.length }, (_, i) => i);
  return {
    train: await subset(dataset, { name: "train", indices: all.filter((i) => !held.has(i)) }),
    validation: await subset(dataset, { name: "validation", indices: all.filter((i) => held.has(i)) }),
  };
}
