import { assertEquals } from "@std/assert/mod.js";
import { tf } from "../tf.ts";
import { compare } from "./_testing.ts";
import { accepts } from "./_mat_mul.ts";

const SIZES = [[1, 1, 1], [7, 5, 6], [4, 8, 12], [130, 3, 9], [5, 300, 2], [64, 33, 10]] as const;

for (const [m, k, n] of SIZES) {
  for (
    const [transposeA, transposeB] of [[false, false], [true, false], [false, true], [true, true]] as const
  ) {
    const name = `${m}x${k}x${n}${transposeA ? ", A transposed" : ""}${transposeB ? ", B transposed" : ""}`;
    Deno.test(`matMul gradients on wasm equal those on cpu: ${name}`, async () => {
      const shapes = [transposeA ? [k, m] : [m, k], transposeB ? [n, k] : [k, n]];
      await compare(name, (a, b) => tf.matMul(a!, b!, transposeA, transposeB), shapes, m + k + n);
      const batched = shapes.map((shape) => [2, 3, ...shape]);
      await compare(name, (a, b) => tf.matMul(a!, b!, transposeA, transposeB), batched, m + k + n);
    });
  }
}

Deno.test("accepts() leaves to the backend what batchMatMul cannot do", () => {
  const tensor = (...shape: number[]) => ({ dataId: {}, shape, dtype: "float32" as const });
  const left = { transposeA: true, transposeB: false };
  assertEquals(accepts({ a: tensor(2, 5, 4), b: tensor(2, 5, 3) }, left), true);
  assertEquals(accepts({ a: tensor(1, 5, 4), b: tensor(2, 5, 3) }, left), false, "broadcast");
  assertEquals(accepts({ a: tensor(0, 4), b: tensor(0, 3) }, left), false, "empty");
  assertEquals(accepts({ a: tensor(5, 4), b: tensor(5, 3) }, { transposeA: true, transposeB: true }), false);
});
