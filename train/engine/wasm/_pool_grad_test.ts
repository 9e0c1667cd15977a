/** Gradients of pooling: max against `cpu`, average against the definition (`cpu` is wrong at the border). */

import { tf } from "../tf.ts";
import { assertClose, compare, gradients, noise, on } from "./_testing.ts";

type Shape4 = [number, number, number, number];

const CASES: readonly {
  readonly x: Shape4;
  readonly window: number;
  readonly stride: number;
  readonly pad: string | number;
}[] = [
  { x: [2, 8, 8, 4], window: 2, stride: 2, pad: "valid" },
  { x: [2, 9, 7, 5], window: 3, stride: 2, pad: "same" },
  { x: [3, 8, 8, 3], window: 3, stride: 2, pad: 1 },
  { x: [1, 5, 5, 8], window: 3, stride: 1, pad: "same" },
  { x: [1, 1, 1, 4], window: 2, stride: 2, pad: "same" },
  { x: [2, 7, 7, 6], window: 7, stride: 1, pad: "valid" },
  { x: [2, 7, 6, 4], window: 1, stride: 2, pad: "valid" },
];

for (const { x, window, stride, pad } of CASES) {
  const name = `[${x}], window ${window}, stride ${stride}, padding ${pad}`;

  Deno.test(`maxPool gradient on wasm equals that on cpu: ${name}`, async () => {
    await compare(name, (a) => tf.maxPool(a as tf.Tensor4D, window, stride, pad as "same"), [x], 16);
  });

  Deno.test(`avgPool gradient on wasm is the transpose of its forward pass: ${name}`, async () => {
    await on("wasm", () => {
      const f = (a: tf.Tensor): tf.Tensor => tf.avgPool(a as tf.Tensor4D, window, stride, pad as "same");
      const [gradient] = gradients((a) => f(a!), [x]);
      // f is linear: the gradient of <f(x), v> at pixel k is <f(unit k), v>.
      const v = noise(f(noise(x, 1)).shape, 99);
      const expected = gradient!.map((_, k) =>
        tf.tidy(() => {
          const unit = new Float32Array(gradient!.length);
          unit[k] = 1;
          return tf.sum(tf.mul(f(tf.tensor(unit, x)), v)).dataSync()[0]!;
        })
      );
      assertClose(gradient!, expected, 16, name);
    });
  });
}

Deno.test("maxPool gradient on wasm goes to the first of equal values", async () => {
  await compare("ties", (a) => tf.maxPool(tf.mul(a!, 0) as tf.Tensor4D, 2, 2, "valid"), [[2, 4, 4, 5]], 1);
  await on("wasm", () => {
    const g = tf.grad((a) => tf.maxPool(a as tf.Tensor4D, 2, 2, "valid"))(tf.ones([1, 2, 2, 1]));
    assertClose(g.dataSync() as Float32Array, new Float32Array([1, 0, 0, 0]), 1, "ties");
  });
});

Deno.test("maxPool gradient on wasm finds the greatest of negative values", async () => {
  await on("wasm", () => {
    const g = tf.grad((a) => tf.maxPool(a as tf.Tensor4D, 2, 2, "valid"));
    const x = tf.tensor4d([-4, -1, -3, -2], [1, 2, 2, 1]);
    assertClose(g(x).dataSync() as Float32Array, new Float32Array([0, 1, 0, 0]), 1, "negative");
  });
});
