/** Convolutions with borders on wasm, under the names of the native kernels, against `cpu`, where the border is a padded copy. */
import { assert, assertEquals } from "@std/assert/mod.js";
import type { Pads, Pair } from "../../../core/graph/mod.ts";
import { KERNELS } from "../_native_registry.ts";
import { convolve, convolveDepthwise } from "../native_kernels.ts";
import { tf } from "../tf.ts";
import { assertClose, compare, gradients, noise, on } from "./_testing.ts";

interface Case {
  readonly x: readonly [number, number, number, number];
  readonly filter: readonly [number, number, number, number];
  readonly strides: Pair;
  readonly pads: Pads;
}

const FULL: readonly Case[] = [
  { x: [2, 7, 6, 3], filter: [3, 3, 3, 4], strides: [1, 1], pads: [1, 1, 1, 1] },
  { x: [2, 8, 8, 4], filter: [3, 3, 4, 8], strides: [2, 2], pads: [1, 1, 1, 1] },
  { x: [2, 8, 8, 4], filter: [3, 3, 4, 8], strides: [2, 2], pads: [0, 0, 1, 1] },
  { x: [1, 9, 7, 5], filter: [3, 2, 5, 6], strides: [2, 1], pads: [0, 2, 1, 0] },
  { x: [1, 11, 11, 3], filter: [7, 7, 3, 4], strides: [2, 2], pads: [3, 3, 3, 3] },
  { x: [2, 5, 5, 3], filter: [1, 1, 3, 4], strides: [2, 2], pads: [0, 0, 0, 0] },
  { x: [1, 1, 1, 4], filter: [3, 3, 4, 4], strides: [1, 1], pads: [1, 1, 1, 1] },
  { x: [2, 4, 4, 4], filter: [1, 1, 4, 4], strides: [1, 1], pads: [1, 0, 0, 1] },
];

const DEPTHWISE: readonly Case[] = [
  { x: [2, 7, 6, 3], filter: [3, 3, 3, 2], strides: [1, 1], pads: [1, 1, 1, 1] },
  { x: [2, 8, 8, 8], filter: [3, 3, 8, 1], strides: [2, 2], pads: [0, 0, 1, 1] },
  { x: [2, 7, 9, 5], filter: [3, 2, 5, 1], strides: [1, 1], pads: [0, 2, 1, 0] },
  { x: [1, 1, 1, 4], filter: [3, 3, 4, 1], strides: [1, 1], pads: [1, 1, 1, 1] },
];

for (
  const [kind, cases, compute] of [["convolve", FULL, convolve], [
    "convolveDepthwise",
    DEPTHWISE,
    convolveDepthwise,
  ]] as const
) {
  for (const { x, filter, strides, pads } of cases) {
    const name = `[${x}] by [${filter}], strides ${strides}, pads ${pads}`;
    const f = (a: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      compute({ x: a as tf.Tensor4D, filter: w as tf.Tensor4D, strides, pads });
    const terms = x[0] * x[1] * x[2] * filter[2];

    Deno.test(`${kind}() on wasm has the gradients it has on cpu: ${name}`, async () => {
      await compare(name, (a, w) => f(a!, w!), [x, filter], terms);
    });

    Deno.test(`${kind}() on wasm gives what it gives on cpu: ${name}`, async () => {
      const values = (): Float32Array =>
        tf.tidy(() => f(noise(x, 1), noise(filter, 2)).dataSync().slice() as Float32Array);
      const expected = await on("cpu", values);
      assertClose(await on("wasm", values), expected, terms, name);
    });
  }
}

Deno.test("convolve() on wasm makes no padded copy and leaves nothing behind", async () => {
  await tf.setBackend("wasm");
  const before = tf.memory().numTensors;
  const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
    convolve({ x: x as tf.Tensor4D, filter: w as tf.Tensor4D, strides: [1, 1], pads: [1, 1, 1, 1] });
  const { kernelNames } = await tf.profile(() => {
    gradients((x, w) => f(x!, w!), [[1, 5, 5, 2], [3, 3, 2, 2]]);
    return [];
  });
  assertEquals(tf.memory().numTensors, before);
  assertEquals(kernelNames.filter((name) => name === tf.PadV2 || name === tf.Slice), []);
  assert(kernelNames.includes(KERNELS.convFilterGrad));
});
