/**
 * Every function is computed twice from the same numbers: by fused kernels on `node`, composed from tfjs operations on
 * `cpu`. Values and gradients must agree.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { normal, stream } from "../../core/random.ts";
import { testUnless } from "../../tests/support/skip.ts";
import { type EngineName, memory, open, read, tf } from "./mod.ts";
import { missingFiles } from "./native_files.ts";
import {
  addBias,
  convolve,
  convolveDepthwise,
  fusedBatchNorm,
  relu6Fast,
  reluFast,
  softmaxCrossEntropy,
} from "./native_kernels.ts";

const notInstalled = missingFiles("cpu").length > 0 ? "deno task install-native was not run" : undefined;

interface Case {
  readonly name: string;
  /** Shapes of what is differentiated. */
  readonly shapes: readonly number[][];
  readonly compute: (...inputs: tf.Tensor[]) => tf.Tensor;
}

const conv = (strides: readonly [number, number], pads: readonly [number, number, number, number]) =>
(
  x: tf.Tensor,
  filter: tf.Tensor,
): tf.Tensor => convolve({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, strides, pads });

const depthwise = (strides: readonly [number, number], pads: readonly [number, number, number, number]) =>
(
  x: tf.Tensor,
  filter: tf.Tensor,
): tf.Tensor => convolveDepthwise({ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, strides, pads });

const normalize = (
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  rectified = false,
): ReturnType<typeof fusedBatchNorm> =>
  fusedBatchNorm({
    x: x as tf.Tensor4D,
    scale: scale as tf.Tensor1D,
    offset: offset as tf.Tensor1D,
    epsilon: 1e-3,
    rectified,
  });

const CASES: readonly Case[] = [
  {
    name: "fusedBatchNorm()",
    shapes: [[4, 5, 3, 6], [6], [6]],
    compute: (x, scale, offset) => normalize(x, scale, offset).y,
  },
  {
    name: "fusedBatchNorm() rectified",
    shapes: [[4, 5, 3, 6], [6], [6]],
    compute: (x, scale, offset) => normalize(x, scale, offset, true).y,
  },
  { name: "reluFast()", shapes: [[3, 4, 5]], compute: reluFast },
  { name: "relu6Fast()", shapes: [[3, 4, 5]], compute: (x) => relu6Fast(tf.mul(x, 6)) },
  { name: "addBias()", shapes: [[2, 3, 3, 4], [4]], compute: (x, b) => addBias(x, b as tf.Tensor1D) },
  { name: "addBias() on rows", shapes: [[5, 4], [4]], compute: (x, b) => addBias(x, b as tf.Tensor1D) },
  { name: "convolve()", shapes: [[2, 7, 6, 3], [3, 3, 3, 4]], compute: conv([1, 1], [1, 1, 1, 1]) },
  { name: "convolve() uneven", shapes: [[2, 7, 6, 3], [3, 2, 3, 4]], compute: conv([2, 1], [0, 2, 1, 0]) },
  { name: "convolve() unpadded", shapes: [[2, 5, 5, 3], [1, 1, 3, 4]], compute: conv([2, 2], [0, 0, 0, 0]) },
  {
    name: "convolveDepthwise()",
    shapes: [[2, 7, 6, 3], [3, 3, 3, 2]],
    compute: depthwise([2, 2], [1, 1, 1, 1]),
  },
  {
    name: "convolveDepthwise() uneven",
    shapes: [[2, 7, 6, 3], [3, 2, 3, 1]],
    compute: depthwise([1, 1], [0, 2, 1, 0]),
  },
  {
    name: "softmaxCrossEntropy() of classes",
    shapes: [[5, 4]],
    compute: (x) =>
      softmaxCrossEntropy({
        logits: tf.mul(x, 20) as tf.Tensor2D,
        labels: tf.tensor1d([0, 3, 1, 1, 2], "int32"),
      }),
  },
  {
    name: "softmaxCrossEntropy() of probabilities",
    shapes: [[2, 3]],
    compute: (x) =>
      softmaxCrossEntropy({
        logits: x as tf.Tensor2D,
        labels: tf.tensor2d([[0.2, 0.5, 0.3], [0, 0, 1]]),
      }),
  },
];

/** Value and gradients on an engine, from numbers that are the same on all. */
async function results(engineName: EngineName, { name, shapes, compute }: Case): Promise<Float32Array[]> {
  const engine = await open(engineName);
  try {
    const source = stream(1, name);
    const random = (): number => normal(source);
    const inputs = shapes.map((shape) =>
      tf.tensor(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random), shape)
    );
    const before = memory().tensors;
    const value = tf.tidy(() => compute(...inputs));
    // Weights that differ from element to element: a gradient that only sums right would pass without.
    const weights = tf.tensor(Float32Array.from({ length: value.size }, random), value.shape);
    const slopes = tf.grads((...xs: tf.Tensor[]) => tf.sum(tf.mul(compute(...xs), weights)))(inputs);
    const all = await Promise.all([value, ...slopes].map(read));
    tf.dispose([value, weights, slopes]);
    assertEquals(memory().tensors, before, "tensors are left behind");
    return all;
  } finally {
    engine.close();
  }
}

for (const each of CASES) {
  testUnless(notInstalled, `${each.name} is the same fused and composed, with its gradients`, async () => {
    const [fused, composed] = [await results("node", each), await results("cpu", each)];
    assertEquals(fused.map(({ length }) => length), composed.map(({ length }) => length));
    assert(composed.every((values) => values.some((value) => value !== 0)), "nothing is computed");
    for (const [i, values] of composed.entries()) {
      const size = Math.max(...values.map(Math.abs));
      // float32 sums of some hundred terms in another order
      values.forEach((value, at) => assertAlmostEquals(fused[i]![at]!, value, size * 2e-5));
    }
  });
}

const onBoth = (name: string, check: () => Promise<void>): void => {
  for (const engineName of ["cpu", "node"] as const) {
    testUnless(engineName === "node" ? notInstalled : undefined, `${name} on ${engineName}`, async () => {
      const engine = await open(engineName);
      try {
        await check();
      } finally {
        engine.close();
      }
    });
  }
};

onBoth("fusedBatchNorm() gives the mean and the unbiased variance of the batch", async () => {
  const [one, zero] = [tf.tensor1d([1]), tf.tensor1d([0])];
  const x = tf.tensor4d([1, 2, 3, 6], [2, 1, 2, 1]);
  const before = memory().tensors;
  const { y, batchMean, batchVariance } = fusedBatchNorm({ x, scale: one, offset: zero, epsilon: 0 });
  assertEquals(memory().tensors, before + 3);
  // Mean 12 / 4 = 3; squares 4 + 1 + 0 + 9 = 14; unbiased 14 / 3; biased 3.5, root 1.8708
  assertAlmostEquals((await read(batchMean))[0]!, 3, 1e-6);
  assertAlmostEquals((await read(batchVariance))[0]!, 14 / 3, 1e-5);
  assertAlmostEquals((await read(y))[3]!, 3 / Math.sqrt(3.5), 1e-5);
});

onBoth("softmaxCrossEntropy() stays finite for large logits", async () => {
  const logits = tf.tensor2d([[1000, 0]]);
  const loss = softmaxCrossEntropy({ logits, labels: tf.tensor1d([1], "int32") });
  assertEquals([...await read(loss)], [1000]);
});
