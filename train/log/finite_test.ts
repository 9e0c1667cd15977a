import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { assertFinite } from "./finite.ts";

Deno.test("assertFinite() passes finite values on and names value, stage, step and batch of others", () => {
  assertEquals(assertFinite("loss", -0.5, { stage: "policy", step: 1 }), -0.5);
  assertThrows(
    () => assertFinite("loss", NaN, { stage: "policy", step: 12, batch: 3 }),
    RangeError,
    'Cannot go on training: loss is NaN in stage "policy" at step 12, batch 3, must be finite',
  );
  assertThrows(
    () => assertFinite("reward", -Infinity, { stage: "joint", step: 0 }),
    RangeError,
    'reward is -Infinity in stage "joint" at step 0, must be finite',
  );
});
