import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertThrows } from "@std/assert/mod.js";
import { normal, permutation, stream } from "./random.ts";

const draw = (random: () => number, count: number): number[] => Array.from({ length: count }, random);

Deno.test("stream() gives the same numbers for the same seed and name, others otherwise", () => {
  const first = draw(stream(1, "policy"), 8);
  assertEquals(draw(stream(1, "policy"), 8), first);
  assertNotEquals(draw(stream(2, "policy"), 8), first);
  assertNotEquals(draw(stream(1, "shuffle"), 8), first);
});

Deno.test("stream() has not changed: runs that were seeded with it can be repeated", () => {
  // Its own first numbers: with others, every stored run would end elsewhere.
  const first = draw(stream(1, "policy"), 3).map((value) => value * 2 ** 32);
  assertEquals(first, [3327543208, 1067642275, 956717158]);
});

Deno.test("stream() is uniform in [0, 1): 16 bins of 64,000 numbers within five deviations", () => {
  const bins = new Array<number>(16).fill(0);
  for (const value of draw(stream(7, "bins"), 64_000)) bins[Math.floor(16 * value)]! += 1;
  for (const count of bins) assert(Math.abs(count - 4000) < 5 * Math.sqrt(4000 * 15 / 16), `${bins}`);
});

Deno.test("normal() has mean 0 and deviation 1", () => {
  const random = stream(3, "normal");
  const values = draw(() => normal(random), 40_000);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  assertAlmostEquals(mean, 0, 0.025);
  assertAlmostEquals(variance, 1, 0.035);
});

Deno.test("permutation() holds every number once, and every order of three as often as the others", () => {
  const random = stream(5, "orders");
  assertEquals([...permutation(50, random)].sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i));
  const seen = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = permutation(3, random).join("");
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assertEquals(seen.size, 6);
  for (const count of seen.values()) assert(Math.abs(count - 1000) < 150, JSON.stringify([...seen]));
  assertEquals([...permutation(0, random)], []);
  assertThrows(() => permutation(-1, random), RangeError, "count is -1");
});
