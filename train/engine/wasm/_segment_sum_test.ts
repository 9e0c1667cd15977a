import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { tf } from "../tf.ts";
import { compare, on } from "./_testing.ts";

Deno.test("gather gradients on wasm equal those on cpu", async () => {
  const pick = (axis: number) => (x: tf.Tensor): tf.Tensor =>
    tf.gather(x, tf.tensor1d([2, 0, 2, 1], "int32"), axis);
  for (const axis of [0, 1, 2]) {
    await compare(`axis ${axis}`, (x) => pick(axis)(x!), [[3, 4, 7]], 4);
  }
});

Deno.test("unsortedSegmentSum() adds rows by id and drops ids outside", async () => {
  await on("wasm", () =>
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 10, 20, 100, 200, 1000, 2000], [4, 2]);
      const ids = tf.tensor1d([1, -1, 1, 3], "int32");
      assertEquals([...tf.unsortedSegmentSum(x, ids, 3).dataSync()], [0, 0, 101, 202, 0, 0]);
      const whole = tf.unsortedSegmentSum(tf.cast(x, "int32"), ids, 4);
      assertEquals([whole.dtype, ...whole.dataSync()], ["int32", 0, 0, 101, 202, 0, 0, 1000, 2000]);
    }));
});

Deno.test("unsortedSegmentSum() refuses ids that do not fit", async () => {
  await on("wasm", () => {
    const x = tf.zeros([3, 2]);
    const run = (segmentIds: tf.Tensor): unknown =>
      tf.engine().runKernel("UnsortedSegmentSum", { x, segmentIds }, { numSegments: 2 });
    assertThrows(() => run(tf.zeros([2], "int32")), RangeError, "ids are [2]");
    assertThrows(() => run(tf.zeros([3])), TypeError, "dtypes are float32 and float32");
  });
});
