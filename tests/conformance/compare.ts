/**
 * How results are compared.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert/mod.js";
import type { Doubles } from "./reference.ts";

/**
 * Fails unless shapes are equal and every value is within `tolerance` times the largest absolute value of the reference (at
 * least 1). NaN is never close to anything.
 */
export function assertClose(
  actual: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  expected: Doubles,
  { tolerance, name }: { readonly tolerance: number; readonly name: string },
): void {
  assertEquals([...actual.shape], [...expected.shape], `${name}: shape`);
  const error = errorOf(actual.data, expected);
  assert(error <= tolerance, `${name}: off by ${error.toExponential(2)} of the range, may be ${tolerance}`);
}

/** Largest difference over the largest absolute value of the reference (at least 1); infinite where a value is NaN. */
export function errorOf(actual: ArrayLike<number>, { data }: Doubles): number {
  let range = 1;
  let worst = 0;
  data.forEach((value, i) => {
    range = Math.max(range, Math.abs(value));
    const difference = Math.abs(actual[i]! - value);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  });
  return worst / range;
}
