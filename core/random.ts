/**
 * Named random streams from one seed. Every place that draws numbers (`init`, `policy`, `shuffle`, …) has a stream of
 * its own, so adding a draw in one place changes no other.
 *
 * @module
 */

/** A source of uniform numbers in `[0, 1)`. */
export type Random = () => number;

/**
 * The stream called `name` of `seed`: SplitMix32 over a hash of both, 2^32 values per stream.
 *
 * Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"; the hash is FNV-1a.
 *
 * @param seed Any integer; its low 32 bits are used.
 * @param name Name of the stream; parts may be joined with `/`.
 */
export function stream(seed: number, name: string): Random {
  let hash = 0x811c9dc5 ^ (seed | 0);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  let state = mix(hash ^ Math.imul(seed | 0, 0x9e3779b1));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return mix(state) / 0x100000000;
  };
}

/** Bijective 32-bit finaliser (murmur3 family); returns an unsigned integer. */
function mix(value: number): number {
  let z = value | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** A standard normal number (Box and Muller 1958), two uniform draws each. */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/**
 * A uniformly random order of `0 … count - 1` (Fisher and Yates).
 *
 * @throws {RangeError} If `count` is not a non-negative integer.
 */
export function permutation(count: number, random: Random): Int32Array {
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`Cannot shuffle: count is ${count}, must be an integer of 0 or more`);
  }
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}
