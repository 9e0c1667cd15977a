import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { encode, ImageError, raster } from "../../core/image/mod.ts";
import { batchingRun } from "../../core/policy/mod.ts";
import { tensor } from "../../core/tensor.ts";
import { createPool, type Machine, type PoolOptions } from "../../serve/runtime/mod.ts";
import { tinyBundle } from "../support/tiny_bundle.ts";

const call = (value: number) => ({ x: tensor([1, 1], Float32Array.of(value)) });
const networks = (...names: string[]) => new Map(names.map((name) => [name, new TextEncoder().encode(name)]));

async function withPool(
  options: Partial<PoolOptions>,
  test: (pool: Machine, broken: string[]) => Promise<void>,
): Promise<void> {
  const broken: string[] = [];
  const pool = await createPool({
    runtime: "web",
    workers: 2,
    start: () => new Worker(new URL("../support/faulty_worker.ts", import.meta.url), { type: "module" }),
    onBroken: (reason) => broken.push(reason),
    ...options,
  });
  try {
    await pool.open("b", networks("answer", "break", "hang", "refuse"));
    await test(pool, broken);
  } finally {
    await pool.close();
  }
}

Deno.test("createPool() replaces a worker that breaks, and only its job fails", async () => {
  await withPool({}, async (pool, broken) => {
    const results = await Promise.allSettled([
      pool.run("b", "break", call(13)),
      ...[1, 2, 3, 4, 5, 6].map((value) => pool.run("b", "answer", call(value))),
    ]);
    assertEquals(results.map(({ status }) => status === "fulfilled"), [
      false,
      true,
      true,
      true,
      true,
      true,
      true,
    ]);
    assertEquals(broken.length, 1);
    // The new worker has the networks of the old one.
    for (let i = 0; i < 4; i++) assertEquals((await pool.run("b", "answer", call(i))).y!.data[0], i + 1);
  });
});

Deno.test("createPool() goes on when every worker breaks again and again", async () => {
  await withPool({}, async (pool, broken) => {
    for (let round = 0; round < 2; round++) {
      const all = await Promise.allSettled([1, 2].map(() => pool.run("b", "break", call(13))));
      assertEquals(all.map(({ status }) => status), ["rejected", "rejected"]);
    }
    assertEquals((await pool.run("b", "answer", call(1))).y!.data[0], 2);
    assertEquals(broken.length, 4);
  });
});

Deno.test("createPool() gives up a job that takes too long and replaces its worker", async () => {
  await withPool({ workers: 1, jobTimeoutMs: 3_000 }, async (pool) => {
    const hanging = assertRejects(() => pool.run("b", "hang", call(13)), Error, "took longer than 3000 ms");
    const waiting = pool.run("b", "answer", call(1));
    await hanging;
    assertEquals((await waiting).y!.data[0], 2);
  });
});

Deno.test("createPool() passes errors on as they were thrown and keeps the worker", async () => {
  await withPool({}, async (pool, broken) => {
    await assertRejects(() => pool.run("b", "refuse", call(13)), RangeError, "13 is refused");
    await assertRejects(() => pool.run("b", "nothing", call(1)), RangeError);
    await assertRejects(() => pool.run("c", "answer", call(1)), RangeError, 'bundle "c" is not open');
    const png = await encode(raster(20, 10), { type: "image/png" });
    const error = await assertRejects(() => pool.decode(png.slice(0, 50)), ImageError);
    assertEquals(error.code, "truncated");
    assertEquals((await pool.decode(png)).width, 20);
    assertEquals(broken, []);
  });
});

Deno.test("createPool() refuses a bundle one of whose networks is refused, and opens the next", async () => {
  await withPool({}, async (pool) => {
    await assertRejects(() => pool.open("bad", networks("answer", "unloadable")), SyntaxError, "not one");
    await assertRejects(() => pool.run("bad", "answer", call(1)), RangeError);
    await pool.open("good", networks("answer"));
    assertEquals((await pool.run("good", "answer", call(1))).y!.data[0], 2);
  });
});

Deno.test("createPool() fails what waits when it is closed", async () => {
  await withPool({ workers: 1 }, async (pool) => {
    const under = [1, 2, 3].map(() =>
      assertRejects(() => pool.run("b", "hang", call(13)), Error, "the pool was closed")
    );
    await pool.close();
    await Promise.all(under);
    await assertRejects(() => pool.run("b", "answer", call(1)), Error, "the pool was closed");
  });
});

Deno.test("createPool() fails when the runtime cannot be opened", async () => {
  const start = () => new Worker("data:application/javascript,throw 'no engine'", { type: "module" });
  await assertRejects(() => createPool({ runtime: "web", workers: 2, start }), Error, "no engine");
});

Deno.test("batchingRun() over a pool loses one call when a batch breaks a worker", async () => {
  await withPool({}, async (pool, broken) => {
    const run = batchingRun((network, inputs) => pool.run("b", network, inputs), { maxRows: 8 });
    const results = await Promise.allSettled([1, 13, 3].map((value) => run("break", call(value))));
    assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
    assertEquals(broken.length, 2);
  });
});

Deno.test("createPool() computes in real workers what a machine in this thread computes", async () => {
  const { createMachine, openRuntime } = await import("../../serve/runtime/mod.ts");
  const bundle = await tinyBundle();
  const machine = createMachine(await openRuntime("web"));
  const pool = await createPool({ runtime: "web", workers: 2 });
  try {
    await Promise.all([machine.open("t", bundle.networks), pool.open("t", bundle.networks)]);
    const glance = tensor([3, 8, 8, 3], Float32Array.from({ length: 576 }, (_, i) => Math.sin(i)));
    const expected = await machine.run("t", "policy", { glance });
    assertEquals(await pool.run("t", "policy", { glance }), expected);
  } finally {
    await Promise.all([machine.close(), pool.close()]);
  }
});
