// B A^T over channels: the gradient of a convolution with respect to its input.

import { madd } from "./madd";

/**
 * Rearranges a filter `float32[taps, i, o]` to blocks `float32[taps, o, 8]` of eight channels, so that the inner loop
 * reads it in order. The last block is `float32[taps, o, 4]` when it has four channels or fewer; what it lacks is zero.
 */
export function packFilter(src: usize, dst: usize, taps: i32, i: i32, o: i32): void {
  const row: usize = <usize>o * 4;
  for (let c: i32 = 0; c < i; c += 8) {
    const n: i32 = min<i32>(8, i - c);
    const lanes: i32 = n > 4 ? 8 : 4;
    for (let t: i32 = 0; t < taps; t++) {
      let s: usize = src + (<usize>t * <usize>i + <usize>c) * row;
      for (let k: i32 = 0; k < o; k++, s += 4, dst += <usize>lanes << 2) {
        let p: usize = s;
        let m: i32 = 0;
        for (; m < n; m++, p += row) store<f32>(dst + (<usize>m << 2), load<f32>(p));
        for (; m < lanes; m++) store<f32>(dst + (<usize>m << 2), 0);
      }
    }
  }
}

// A list of taps is pairs of u32: the address of the first pixel of dy, the address of the packed filter of the tap.

/** Stores the first `channels` of four lanes. */
// @ts-ignore: decorator
@inline
function put4(dst: usize, v: v128, channels: i32): void {
  if (channels >= 4) {
    v128.store(dst, v);
    return;
  }
  store<f32>(dst, f32x4.extract_lane(v, 0));
  if (channels > 1) store<f32>(dst, f32x4.extract_lane(v, 1), 4);
  if (channels > 2) store<f32>(dst, f32x4.extract_lane(v, 2), 8);
}

/** Stores the first `channels` (five to eight) of eight lanes. */
// @ts-ignore: decorator
@inline
function put8(dst: usize, lo: v128, hi: v128, channels: i32): void {
  v128.store(dst, lo);
  put4(dst + 16, hi, channels - 4);
}

/** Four neighbouring pixels of dx (`dxStep` bytes apart), eight channels, all taps. */
// @ts-ignore: decorator
@inline
function tile4x8(
  list: usize, taps: i32, shift: usize, o: i32, dyStep: usize,
  dx: usize, dxStep: usize, channels: i32,
): void {
  let s00: v128 = f32x4.splat(0), s01: v128 = f32x4.splat(0);
  let s10: v128 = f32x4.splat(0), s11: v128 = f32x4.splat(0);
  let s20: v128 = f32x4.splat(0), s21: v128 = f32x4.splat(0);
  let s30: v128 = f32x4.splat(0), s31: v128 = f32x4.splat(0);
  for (let t: i32 = 0; t < taps; t++, list += 8) {
    let p0: usize = <usize>load<u32>(list) + shift;
    let p1: usize = p0 + dyStep;
    let p2: usize = p1 + dyStep;
    let p3: usize = p2 + dyStep;
    let w: usize = <usize>load<u32>(list, 4);
    for (let k: i32 = o; k > 0; k--) {
      const w0: v128 = v128.load(w);
      const w1: v128 = v128.load(w, 16);
      const a0: v128 = v128.load_splat<f32>(p0);
      s00 = madd(a0, w0, s00);
      s01 = madd(a0, w1, s01);
      const a1: v128 = v128.load_splat<f32>(p1);
      s10 = madd(a1, w0, s10);
      s11 = madd(a1, w1, s11);
      const a2: v128 = v128.load_splat<f32>(p2);
      s20 = madd(a2, w0, s20);
      s21 = madd(a2, w1, s21);
      const a3: v128 = v128.load_splat<f32>(p3);
      s30 = madd(a3, w0, s30);
      s31 = madd(a3, w1, s31);
      p0 += 4;
      p1 += 4;
      p2 += 4;
      p3 += 4;
      w += 32;
    }
  }
  put8(dx, s00, s01, channels);
  put8(dx + dxStep, s10, s11, channels);
  put8(dx + 2 * dxStep, s20, s21, channels);
  put8(dx + 3 * dxStep, s30, s31, channels);
}

/** One pixel, eight channels, for rows shorter than four. */
// @ts-ignore: decorator
@inline
function tile1x8(
  list: usize, taps: i32, shift: usize, o: i32, dx: usize, channels: i32,
): void {
  let s0: v128 = f32x4.splat(0), s1: v128 = f32x4.splat(0);
  for (let t: i32 = 0; t < taps; t++, list += 8) {
    let p: usize = <usize>load<u32>(list) + shift;
    let w: usize = <usize>load<u32>(list, 4);
    for (let k: i32 = o; k > 0; k--, p += 4, w += 32) {
      const a: v128 = v128.load_splat<f32>(p);
      s0 = madd(a, v128.load(w), s0);
      s1 = madd(a, v128.load(w, 16), s1);
    }
  }
  put8(dx, s0, s1, channels);
}

/** Four neighbouring pixels, four channels: the block that is left when few channels are. */
// @ts-ignore: decorator
@inline
function tile4x4(
  list: usize, taps: i32, shift: usize, o: i32, dyStep: usize,
  dx: usize, dxStep: usize, channels: i32,
): void {
  let s0: v128 = f32x4.splat(0), s1: v128 = f32x4.splat(0);
  let s2: v128 = f32x4.splat(0), s3: v128 = f32x4.splat(0);
  for (let t: i32 = 0; t < taps; t++, list += 8) {
    let p0: usize = <usize>load<u32>(list) + shift;
    let p1: usize = p0 + dyStep;
    let p2: usize = p1 + dyStep;
    let p3: usize = p2 + dyStep;
    let w: usize = <usize>load<u32>(list, 4);
    for (let k: i32 = o; k > 0; k--) {
      const v: v128 = v128.load(w);
      s0 = madd(v128.load_splat<f32>(p0), v, s0);
      s1 = madd(v128.load_splat<f32>(p1), v, s1);
      s2 = madd(v128.load_splat<f32>(p2), v, s2);
      s3 = madd(v128.load_splat<f32>(p3), v, s3);
      p0 += 4;
      p1 += 4;
      p2 += 4;
      p3 += 4;
      w += 16;
    }
  }
  put4(dx, s0, channels);
  put4(dx + dxStep, s1, channels);
  put4(dx + 2 * dxStep, s2, channels);
  put4(dx + 3 * dxStep, s3, channels);
}

/** One pixel, four channels. */
// @ts-ignore: decorator
@inline
function tile1x4(list: usize, taps: i32, shift: usize, o: i32, dx: usize, channels: i32): void {
  let s: v128 = f32x4.splat(0);
  for (let t: i32 = 0; t < taps; t++, list += 8) {
    let p: usize = <usize>load<u32>(list) + shift;
    let w: usize = <usize>load<u32>(list, 4);
    for (let k: i32 = o; k > 0; k--, p += 4, w += 16) s = madd(v128.load_splat<f32>(p), v128.load(w), s);
  }
  put4(dx, s, channels);
}

/** `count` pixels of one row of dx, `channels` (up to eight) channels of each. */
// @ts-ignore: decorator
@inline
function run(
  list: usize, taps: i32, count: i32, o: i32, dyStep: usize, dx: usize, dxStep: usize, channels: i32,
): void {
  if (count < 4) {
    for (let p: i32 = 0; p < count; p++) {
      const shift: usize = <usize>p * dyStep;
      const at: usize = dx + <usize>p * dxStep;
      if (channels > 4) tile1x8(list, taps, shift, o, at, channels);
      else tile1x4(list, taps, shift, o, at, channels);
    }
    return;
  }
  for (let p: i32 = 0; p < count; p += 4) {
    // The last block moves back over pixels that are done already: they are computed again, to the same bits.
    const first: i32 = min<i32>(p, count - 4);
    const shift: usize = <usize>first * dyStep;
    const at: usize = dx + <usize>first * dxStep;
    if (channels > 4) tile4x8(list, taps, shift, o, dyStep, at, dxStep, channels);
    else tile4x4(list, taps, shift, o, dyStep, at, dxStep, channels);
  }
}

/**
 * Rows `from` to `to` of one image. `dy` is `float32[oh, wp, o]` with `left` columns of padding, wide enough for every
 * tap of every pixel; `filter` comes from `packFilter`; `dx` is `float32[.., w, i]`; `list` has room
 * for `kh * kw` taps.
 *
 *     dx[y, x] = sum of filter[ky, kx] dy[(y + top - ky * dilationY) / strideY, (x + begin - kx * dilationX) / strideX]
 *
 * over the taps for which both divisions are exact. Pixels whose `x` is equal modulo the stride have the same taps.
 */
export function convInput(
  dy: usize, filter: usize, dx: usize, list: usize,
  from: i32, to: i32, w: i32, i: i32, oh: i32, o: i32, left: i32, wp: i32, kh: i32, kw: i32,
  strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, begin: i32,
): void {
  const dyStep: usize = <usize>o * 4;
  const dxStep: usize = <usize>strideX * <usize>i * 4;
  const dyRow: usize = <usize>wp * dyStep;
  for (let c: i32 = 0; c < i; c += 8) {
    const channels: i32 = min<i32>(8, i - c);
    const tapBytes: usize = <usize>o * (channels > 4 ? 32 : 16);
    for (let y: i32 = from; y < to; y++) {
      for (let x: i32 = 0; x < strideX && x < w; x++) {
        let taps: i32 = 0;
        for (let ky: i32 = 0; ky < kh; ky++) {
          const down: i32 = y + top - ky * dilationY;
          if (down < 0 || down % strideY != 0 || down / strideY >= oh) continue;
          const row: usize = dy + <usize>(down / strideY) * dyRow;
          for (let kx: i32 = 0; kx < kw; kx++) {
            const across: i32 = x + begin - kx * dilationX;
            if (across % strideX != 0) continue;
            // A negative multiple of the stride divides exactly, so truncation is right.
            store<u32>(list + (<usize>taps << 3), <u32>(row + <usize>(across / strideX + left) * dyStep));
            store<u32>(list + (<usize>taps << 3), <u32>(filter + <usize>(ky * kw + kx) * tapBytes), 4);
            taps++;
          }
        }
        const count: i32 = (w - x + strideX - 1) / strideX;
        const at: usize = dx + ((<usize>y * <usize>w + <usize>x) * <usize>i + <usize>c) * 4;
        run(list, taps, count, o, dyStep, at, dxStep, channels);
      }
    }
    filter += <usize>(kh * kw) * tapBytes;
  }
}
