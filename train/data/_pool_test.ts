import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { raster } from "../../core/image/raster.ts";
import type { BatchJob } from "./_batch.ts";
import { WorkerPool } from "./_pool.ts";

const JOB: BatchJob = {
  recipe: { seed: 0, augmentation: undefined, normalization: undefined },
  epoch: 0,
  indices: Int32Array.of(0),
  sources: [{ kind: "raster", raster: raster(2, 1, Uint8Array.of(1, 2, 3, 4, 5, 6)) }],
};

Deno.test("WorkerPool.run() makes a batch, and close() fails those that are under way", async () => {
  const pool = new WorkerPool(2);
  const { width, height, images } = await pool.run(JOB);
  assertEquals([width, height, [...images]], [2, 1, [1, 2, 3, 4, 5, 6]]);
  const under = assertRejects(() => pool.run(JOB), Error, "the loader was closed");
  pool.close();
  await under;
});

Deno.test("WorkerPool.run() fails at once when the worker broke down, now and later, and never waits for it", async () => {
  // A text: an error object would be printed with its stack.
  const pool = new WorkerPool(
    1,
    new URL("data:application/javascript,onmessage = () => { throw 'broken on purpose' }"),
  );
  try {
    await Promise.all(
      [1, 2].map(() => assertRejects(() => pool.run(JOB), Error, "the worker that makes it broke down")),
    );
    await assertRejects(() => pool.run(JOB), Error, "broken on purpose");
  } finally {
    pool.close();
  }
});
