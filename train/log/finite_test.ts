import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { assertAllFinite, assertFinite } from "./finite.ts";

Deno.test("assertFinite() passes finite values on and names value, stage, step, epoch and batch of others", () => {
  assertEquals(assertFinite("loss", -0.5, { stage: "policy", step: 1 }), -0.5);
  assertThrows(
    () => assertFinite("loss", NaN, { stage: "policy", step: 12, epoch: 1, batch: 3 }),
    RangeError,
    'Cannot go on training: loss is NaN in stage "policy" at step 12, epoch 1, batch 3 (counted from 0), must be finite',
  );
  assertThrows(
    () => assertFinite("reward", -Infinity, { stage: "joint", step: 0 }),
    RangeError,
    'reward is -Infinity in stage "joint" at step 0 (counted from 0), must be finite',
  );
});

Deno.test("assertAllFinite() names array, place, value and the step that made it", () => {
  const moment = { stage: "policy", step: 12, epoch: 1, batch: 3 };
  assertAllFinite("w", Float32Array.of(0, -3e38, 1e-40), moment);
  assertAllFinite("w", new Float32Array(0), moment);
  for (const value of [NaN, Infinity, -Infinity]) {
    assertThrows(
      () => assertAllFinite("weights/net/w", Float32Array.of(1, 2, value, value), moment),
      RangeError,
      `Cannot save checkpoint: value 2 of "weights/net/w" is ${value} after the update in stage "policy" at step 12, ` +
        "epoch 1, batch 3 (counted from 0), must be finite",
    );
  }
});
