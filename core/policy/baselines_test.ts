import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import { cellsOf, FREE, GLANCE, OPTIONS, rules } from "./_fixture.ts";
import { centerFirst, countAround, fixedSet, fullImage, glanceOnly, randomCells } from "./baselines.ts";
import type { GridState } from "./grid_state.ts";
import type { Method } from "./method.ts";

const WIDE = { ...OPTIONS, grid: { rows: 4, columns: 4, cell: 2, halo: 0 } };

async function looked(method: Method<GridState>): Promise<number[]> {
  const { run, calls } = rules({ probabilities: [] });
  const turn = await method.begin(run, GLANCE, FREE);
  assert(!calls.includes("policy"), "a baseline has no policy");
  return turn.kind === "look" ? cellsOf(turn.plan) : [];
}

Deno.test("countAround() takes one of the two integers around the mean, and the mean is right", () => {
  const random = stream(1, "counts");
  const counts = Array.from({ length: 20_000 }, () => countAround(2.3, random));
  assert(counts.every((count) => count === 2 || count === 3));
  assertAlmostEquals(counts.reduce((a, b) => a + b) / counts.length, 2.3, 0.02);
  assertEquals(countAround(4, random), 4);
});

Deno.test("randomCells() takes as many cells as asked for on average, others for every picture", async () => {
  const method = randomCells(WIDE, 5.5, stream(2, "random"));
  const plans = [];
  for (let i = 0; i < 200; i++) plans.push(await looked(method));
  assert(plans.every((plan) => plan.length === 5 || plan.length === 6));
  assertAlmostEquals(plans.reduce((total, plan) => total + plan.length, 0) / 200, 5.5, 0.15);
  assert(new Set(plans.map((plan) => plan.join())).size > 150);
  const hits = new Array<number>(16).fill(0);
  for (const cell of plans.flat()) hits[cell]! += 1;
  for (const count of hits) assertAlmostEquals(count, 200 * 5.5 / 16, 35);
});

Deno.test("centerFirst() and fixedSet() take the same cells for every picture", async () => {
  const random = stream(3, "fixed");
  assertEquals(await looked(centerFirst(WIDE, 4, random)), [5, 6, 9, 10]);
  const order = [15, 2, 7, 0];
  assertEquals((await looked(fixedSet(WIDE, order, 3, random))).sort((a, b) => a - b), [2, 7, 15]);
});

Deno.test("glanceOnly() looks at nothing and fullImage() at everything", async () => {
  assertEquals(await looked(glanceOnly(WIDE)), []);
  assertEquals(await looked(fullImage(WIDE)), Array.from({ length: 16 }, (_, k) => k));
});

Deno.test("baselines ignore the levels and the confidence of the model they are compared with", async () => {
  const patient = { ...WIDE, levels: [0.9, 0.1], confidence: 0 };
  assertEquals(await looked(fullImage(patient)), Array.from({ length: 16 }, (_, k) => k));
});
