import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { stream } from "../../core/random.ts";
import { softmax } from "../../core/tensor.ts";
import { calibrationError, fitTemperature, negativeLogLikelihood } from "./temperature.ts";

/** Labels drawn from the softmax of logits that are then multiplied by `factor`. */
function drawn(factor: number): { logits: Float32Array; labels: Int32Array; classes: number } {
  const random = stream(7, "temperature");
  const [count, classes] = [4000, 4];
  const logits = Float32Array.from({ length: count * classes }, () => 4 * random());
  const labels = Int32Array.from({ length: count }, (_, n) => {
    const honest = softmax(logits.slice(n * classes, (n + 1) * classes));
    let draw = random();
    return Math.max(0, honest.findIndex((share) => (draw -= share) < 0));
  });
  return { logits: logits.map((value) => value * factor), labels, classes };
}

Deno.test("fitTemperature() finds the factor by which logits are too large", () => {
  assertAlmostEquals(fitTemperature(drawn(1)), 1, 0.08);
  assertAlmostEquals(fitTemperature(drawn(3)), 3, 0.25);
});

Deno.test("fitTemperature() is at a minimum", () => {
  const x = drawn(2);
  const best = fitTemperature(x);
  for (const factor of [0.98, 1.02]) {
    assert(negativeLogLikelihood(x, best * factor) > negativeLogLikelihood(x, best));
  }
});

Deno.test("calibrationError() is the weighted distance of accuracy from confidence", () => {
  // Two bins: (0.9, 0.9) with one right of two, (0.3) right: (2 * 0.4 + 1 * 0.7) / 3 = 0.5
  assertAlmostEquals(calibrationError([0.9, 0.9, 0.3], [1, 0, 1]), 0.5, 1e-9);
  assertEquals(calibrationError([1, 1], [1, 1]), 0);
  assertEquals(calibrationError([], []), 0);
});
