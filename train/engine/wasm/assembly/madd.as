// One place for a * b + c. Two instructions on purpose: every machine then computes the same bits.

// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}
