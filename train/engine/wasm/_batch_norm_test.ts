/** Batch norm and rectifiers on wasm: against `cpu`, where they are composed, and against differences. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { KERNELS, run } from "../_native_registry.ts";
import { fusedBatchNorm, relu6Fast, reluFast } from "../native_kernels.ts";
import { tf } from "../tf.ts";
import { assertClose, compare, noise, on } from "./_testing.ts";

type Shape4 = [number, number, number, number];

const normalize = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor4D =>
  fusedBatchNorm({
    x: x as tf.Tensor4D,
    scale: scale as tf.Tensor1D,
    offset: offset as tf.Tensor1D,
    epsilon: 1e-3,
  }).y;

/** Channels around the widths of the kernels' loops (16, 8, 4, 1); rows around their blocks of 128. */
const SHAPES: readonly Shape4[] = [
  [2, 3, 2, 1],
  [1, 1, 2, 3],
  [2, 5, 5, 4],
  [2, 8, 8, 7],
  [3, 6, 5, 8],
  [1, 9, 15, 12],
  [2, 8, 9, 16],
  [2, 13, 11, 20],
  [1, 16, 17, 35],
];

for (const shape of SHAPES) {
  const [, , , c] = shape;
  const rows = shape[0] * shape[1] * shape[2];

  Deno.test(`fusedBatchNorm() on wasm has the gradients it has on cpu: [${shape}]`, async () => {
    // `dx` is a difference of numbers of the size of dy, so small batches lose digits on both sides.
    await compare(`[${shape}]`, (x, s, o) => normalize(x!, s!, o!), [shape, [c], [c]], 16 * rows);
  });

  Deno.test(`fusedBatchNorm() on wasm gives what it gives on cpu: [${shape}]`, async () => {
    const values = (): Float32Array[] =>
      tf.tidy(() => {
        const x = tf.add(noise(shape, 1), tf.mul(noise([c], 4), 10)) as tf.Tensor4D;
        const [scale, offset] = [noise([c], 2), noise([c], 3)] as tf.Tensor1D[];
        const { y, batchMean, batchVariance } = fusedBatchNorm({
          x,
          scale: scale!,
          offset: offset!,
          epsilon: 1e-3,
        });
        return [y, batchMean, batchVariance].map((each) => each.dataSync().slice() as Float32Array);
      });
    const expected = await on("cpu", values);
    const actual = await on("wasm", values);
    actual.forEach((each, k) => assertClose(each, expected[k]!, 16 * rows, `output ${k}`));
  });
}

Deno.test("fusedBatchNorm() on wasm keeps its digits over many rows far from zero", async () => {
  await on("wasm", () => {
    const [n, c] = [100_003, 5];
    const values = new Float32Array(n * c);
    for (let k = 0; k < values.length; k++) {
      values[k] = 1000 + (k % c) + (Math.floor(k / c) % 2 === 0 ? 1 : -1);
    }
    const [x, scale, offset] = [tf.tensor4d(values, [n, 1, 1, c]), tf.ones([c]), tf.zeros([c])];
    const { y, batchMean, batchVariance } = fusedBatchNorm({
      x,
      scale: scale as tf.Tensor1D,
      offset: offset as tf.Tensor1D,
      epsilon: 0,
    });
    const [mean, variance, out] = [batchMean, batchVariance, y].map((each) => each.dataSync());
    for (let k = 0; k < c; k++) {
      // One value more above than below: mean 1000 + k + 1 / n, variance 1 - 1 / n^2, times n / (n - 1).
      assertAlmostEquals(mean![k]!, 1000 + k + 1 / n, 1e-4); // half a unit in the last place is 3e-5
      assertAlmostEquals(variance![k]!, 1, 2e-5);
      assertAlmostEquals(out![k]!, 1, 1e-4);
    }
    tf.dispose([x, scale, offset, y, batchMean, batchVariance]);
  });
});

Deno.test("fusedBatchNorm() on wasm: gradients agree with differences", async () => {
  await on("wasm", () =>
    tf.tidy(() => {
      const shape: Shape4 = [2, 3, 3, 2];
      const inputs = [tf.mul(noise(shape, 1), 2), tf.add(noise([2], 2), 2), noise([2], 3)];
      const weights = noise(shape, 9);
      const loss = (...[x, s, o]: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(normalize(x!, s!, o!), weights));
      const slopes = tf.grads(loss)(inputs);
      const h = 1e-2;
      inputs.forEach((input, which) => {
        const exact = slopes[which]!.dataSync();
        for (let k = 0; k < input.size; k++) {
          const moved = (by: number): number => {
            const values = input.dataSync().slice();
            values[k]! += by;
            return loss(...inputs.with(which, tf.tensor(values, input.shape))).dataSync()[0]!;
          };
          // Central difference: error h^2 times a third derivative of some units, and rounding of 1e-6 / h.
          assertAlmostEquals((moved(h) - moved(-h)) / (2 * h), exact[k]!, 2e-3, `input ${which}, value ${k}`);
        }
      });
    }));
});

for (const size of [1, 3, 4, 18, 64]) {
  Deno.test(`reluFast() and relu6Fast() on wasm have the gradients they have on cpu: ${size} values`, async () => {
    await compare("relu", (x) => reluFast(x!), [[size]], 1);
    await compare("relu6", (x) => relu6Fast(tf.mul(x!, 9)), [[size]], 1);
  });
}

Deno.test("relu6Fast() on wasm passes the gradient strictly between 0 and 6 only", async () => {
  await on("wasm", () => {
    const x = tf.tensor1d([-1, 0, 1e-30, 3, 5.999, 6, 7]);
    const [six, plain] = [relu6Fast, reluFast].map((f) => tf.grad((a) => f(a))(x));
    assertEquals([...six!.dataSync()], [0, 0, 1, 1, 1, 0, 0]);
    assertEquals([...plain!.dataSync()], [0, 0, 1, 1, 1, 1, 1]);
    tf.dispose([x, six!, plain!]);
  });
});

Deno.test("batch norm and rectifiers on wasm are the kernels of one pass and leave nothing behind", async () => {
  await on("wasm", () => {
    const inputs = [noise([2, 4, 4, 6], 1), noise([6], 2), noise([6], 3)];
    const g = tf.grads((...[x, s, o]: tf.Tensor[]) => tf.sum(relu6Fast(reluFast(normalize(x!, s!, o!)))));
    const before = tf.memory();
    const names = new Set<string>();
    for (const name of Object.values(KERNELS)) if (tf.getKernel(name, "wasm") !== undefined) names.add(name);
    tf.dispose(g(inputs));
    assertEquals(tf.memory().numTensors, before.numTensors);
    assertEquals(tf.memory().numBytes, before.numBytes);
    for (const name of [KERNELS.batchNorm, KERNELS.batchNormGrad, KERNELS.reluGrad, KERNELS.relu6Grad]) {
      assert(names.has(name), `${name} is missing`);
    }
    tf.dispose(inputs);
  });
});

Deno.test("kernels of batch norm and rectifiers refuse shapes that disagree", async () => {
  await on("wasm", () =>
    tf.tidy(() => {
      const [x, three, four] = [noise([2, 2, 2, 4], 1), noise([3], 2), noise([4], 3)];
      for (
        const [name, inputs] of [
          [KERNELS.batchNorm, [x, three, four]],
          [KERNELS.batchNormGrad, [noise([2, 2, 1, 4], 1), x, four, four, four]],
          [KERNELS.reluGrad, [x, four]],
        ] as const
      ) {
        let message = "";
        try {
          run(name, inputs, { epsilon: 1 });
        } catch (error) {
          message = (error as Error).message;
        }
        assert(message.startsWith("Cannot "), `${name}: ${message}`);
      }
    }));
});
