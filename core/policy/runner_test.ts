import { assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { type Named, type Tensor, tensor } from "../tensor.ts";
import { batchingRun } from "./runner.ts";

/** Doubles `x`; remembers the rows of every batch; fails on a batch that holds a negative value. */
function doubling() {
  const batches: number[] = [];
  let under = 0;
  let most = 0;
  const execute = async (_network: string, { x }: Named<Tensor>): Promise<Named<Tensor>> => {
    batches.push(x!.shape[0]!);
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve));
    under -= 1;
    if (x!.data.some((value) => value < 0)) throw new Error("a value is negative");
    return { y: tensor(x!.shape, x!.data.map((value) => 2 * value)) };
  };
  return { execute, batches, most: () => most };
}

const call = (...values: number[]) => ({ x: tensor([values.length, 1], Float32Array.from(values)) });

Deno.test("batchingRun() computes calls that are made together together and gives each its own rows", async () => {
  const { execute, batches } = doubling();
  const run = batchingRun(execute, { maxRows: 8 });
  const results = await Promise.all([run("f", call(1)), run("f", call(2, 3)), run("f", call(4))]);
  assertEquals(results.map(({ y }) => [...y!.data]), [[2], [4, 6], [8]]);
  assertEquals(results.map(({ y }) => y!.shape), [[1, 1], [2, 1], [1, 1]]);
  assertEquals(batches, [4]);
});

Deno.test("batchingRun() never exceeds maxRows, except for a call that is larger alone", async () => {
  const { execute, batches } = doubling();
  const run = batchingRun(execute, { maxRows: 3 });
  await Promise.all([
    run("f", call(1, 2)),
    run("f", call(3, 4)),
    run("f", call(1, 2, 3, 4, 5)),
    run("f", call(6)),
  ]);
  assertEquals(batches, [2, 2, 5, 1]);
});

Deno.test("batchingRun() fails only the calls that are at fault when a batch fails", async () => {
  const { execute, batches } = doubling();
  const run = batchingRun(execute, { maxRows: 8 });
  const [a, b, c] = await Promise.allSettled([run("f", call(1)), run("f", call(-1)), run("f", call(3))]);
  assertEquals([a!.status, b!.status, c!.status], ["fulfilled", "rejected", "fulfilled"]);
  assertEquals(batches, [3, 1, 1, 1]);
});

Deno.test("batchingRun() keeps calls of other networks and other shapes out of a batch", async () => {
  const { execute, batches } = doubling();
  const run = batchingRun(execute, { maxRows: 8 });
  await Promise.all([run("f", call(1)), run("g", call(1)), run("f", { x: tensor([1, 2]) })]);
  assertEquals(batches, [1, 1, 1]);
});

Deno.test("batchingRun() rejects a call whose inputs disagree in rows, and nothing else", async () => {
  const { execute } = doubling();
  const run = batchingRun(execute, { maxRows: 8 });
  const wrong = run("f", { x: tensor([2, 1]), z: tensor([3, 1]) });
  const right = run("f", call(1));
  await assertRejects(() => wrong, RangeError, "2 and 3 rows");
  assertEquals([...(await right).y!.data], [2]);
});

Deno.test("batchingRun() rejects outputs that do not have the rows of the batch", async () => {
  const run = batchingRun(() => Promise.resolve({ y: tensor([5, 1]) }), { maxRows: 8 });
  await assertRejects(() => run("f", call(1)), RangeError, "must have 1 rows");
});

Deno.test("batchingRun() keeps at most `parallel` batches of a network under way and serves those that wait", async () => {
  for (const parallel of [1, 3]) {
    const { execute, batches, most } = doubling();
    const run = batchingRun(execute, { maxRows: 1, parallel });
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => run("f", call(value))));
    assertEquals(results.map(({ y }) => y!.data[0]), [2, 4, 6, 8, 10, 12]);
    assertEquals(batches.length, 6);
    assertEquals(most(), parallel);
  }
});

Deno.test("batchingRun() puts calls that come while a batch is under way into the next one", async () => {
  const { execute, batches } = doubling();
  const run = batchingRun(execute, { maxRows: 8 });
  const follow = async (value: number) => {
    const { y } = await run("f", call(value));
    await Promise.resolve();
    return await run("f", { x: y! });
  };
  const results = await Promise.all([follow(1), follow(2), follow(3)]);
  assertEquals(results.map(({ y }) => y!.data[0]), [4, 8, 12]);
  assertEquals(batches, [3, 3]);
});

Deno.test("batchingRun() refuses options that can never run a call", () => {
  assertThrows(() => batchingRun(doubling().execute, { maxRows: 0 }), RangeError, "maxRows is 0");
});
