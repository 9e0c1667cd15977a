import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { bounded, linearReward, reward } from "./patchdrop.ts";

Deno.test("reward() has the published values", () => {
  const published = { zeroAt: 16, penalty: -0.5 };
  assertEquals(reward(16, true, published), 0);
  assertEquals(reward(8, true, published), 0.75);
  assertEquals(reward(0, true, published), 1);
  for (const used of [0, 8, 16]) assertEquals(reward(used, false, published), -0.5);
});

Deno.test("reward() of a right answer is 0 at `zeroAt` and negative beyond it", () => {
  assertEquals(reward(4, true, { zeroAt: 4, penalty: -1 }), 0);
  assertEquals(reward(8, true, { zeroAt: 4, penalty: -1 }), -3);
});

Deno.test("linearReward() gives half a point for the class, whatever was used", () => {
  assertEquals(linearReward(4, true, 16), 1.25);
  assertEquals(linearReward(4, false, 16), 0.75);
  assertEquals(linearReward(16, false, 16), 0);
});

Deno.test("bounded() keeps probabilities off both ends and leaves one half where it is", () => {
  assertAlmostEquals(bounded(1, 0.8), 0.8);
  assertAlmostEquals(bounded(0, 0.8), 0.2);
  assertAlmostEquals(bounded(0.5, 0.8), 0.5);
  assertEquals(bounded(0.3, 1), 0.3);
});
