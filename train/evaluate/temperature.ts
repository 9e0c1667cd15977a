/**
 * Calibration: the temperature that makes probabilities honest, and how honest they are.
 *
 * @module
 */

/** Logits and what would have been right. */
export interface Labelled {
  /** `float32[N, C]`. */
  readonly logits: Float32Array;
  /** `int32[N]`, in `[0, C)`. */
  readonly labels: Int32Array;
  /** C. */
  readonly classes: number;
}

/** Mean negative log-likelihood of the labels at a temperature, in nats. */
export function negativeLogLikelihood({ logits, labels, classes }: Labelled, temperature = 1): number {
  let total = 0;
  for (let n = 0; n < labels.length; n++) {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    let top = -Infinity;
    for (const value of row) top = Math.max(top, value);
    let sum = 0;
    for (const value of row) sum += Math.exp((value - top) / temperature);
    total += Math.log(sum) - (row[labels[n]!]! - top) / temperature;
  }
  return total / labels.length;
}

/**
 * The temperature that minimises the negative log-likelihood, by golden-section search over its logarithm. The likelihood is
 * convex in `1 / T`, so there is one minimum. Guo et al. 2017, https://arxiv.org/abs/1706.04599
 *
 * @returns In [0.05, 20].
 * @throws {RangeError} If there are no labels or the logits do not fit them.
 */
export function fitTemperature(x: Labelled): number {
  if (x.labels.length === 0 || x.logits.length !== x.labels.length * x.classes) {
    throw new RangeError(
      `Cannot fit temperature: ${x.logits.length} logits do not fit ${x.labels.length} labels of ${x.classes} classes`,
    );
  }
  const golden = (Math.sqrt(5) - 1) / 2;
  let low = Math.log(0.05);
  let high = Math.log(20);
  const cost = (log: number): number => negativeLogLikelihood(x, Math.exp(log));
  let a = high - golden * (high - low);
  let b = low + golden * (high - low);
  let [costA, costB] = [cost(a), cost(b)];
  while (high - low > 1e-4) {
    if (costA <= costB) {
      [high, b, costB] = [b, a, costA];
      a = high - golden * (high - low);
      costA = cost(a);
    } else {
      [low, a, costA] = [a, b, costB];
      b = low + golden * (high - low);
      costB = cost(b);
    }
  }
  return Math.exp((low + high) / 2);
}

/**
 * Expected calibration error: distance of accuracy from mean confidence in bins of equal width, weighted by their sizes.
 *
 * @param confidences In [0, 1].
 * @param correct 1 where the answer is right.
 * @param bins Number of bins.
 * @returns In [0, 1]; 0 for no answers.
 */
export function calibrationError(
  confidences: ArrayLike<number>,
  correct: ArrayLike<number>,
  bins = 15,
): number {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, correct: 0 }));
  for (let i = 0; i < confidences.length; i++) {
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidences[i]! * bins) - 1))]!;
    bin.count += 1;
    bin.confidence += confidences[i]!;
    bin.correct += correct[i]!;
  }
  if (confidences.length === 0) return 0;
  return sums.reduce((total, bin) => total + Math.abs(bin.correct - bin.confidence), 0) / confidences.length;
}
