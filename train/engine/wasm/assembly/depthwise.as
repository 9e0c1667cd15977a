// Depthwise convolution: channels never meet, so everything is vectorised over channels.

import { madd } from "./madd";

/** `acc[taps, c] += x * dy` for `n` (1 to 3) neighbouring taps of one filter row, `v` (4 or 8) channels. */
// @ts-ignore: decorator
@inline
function taps3x8(
  x: usize, dy: usize, acc: usize, accStep: usize, rows: i32, columns: i32,
  xTap: usize, xColumn: usize, xRow: usize, dyStep: usize,
): void {
  let s00: v128 = f32x4.splat(0), s01: v128 = f32x4.splat(0);
  let s10: v128 = f32x4.splat(0), s11: v128 = f32x4.splat(0);
  let s20: v128 = f32x4.splat(0), s21: v128 = f32x4.splat(0);
  for (let r: i32 = 0; r < rows; r++, x += xRow) {
    let p0: usize = x;
    let p1: usize = x + xTap;
    let p2: usize = p1 + xTap;
    for (let k: i32 = columns; k > 0; k--) {
      const d0: v128 = v128.load(dy);
      const d1: v128 = v128.load(dy, 16);
      s00 = madd(v128.load(p0), d0, s00);
      s01 = madd(v128.load(p0, 16), d1, s01);
      s10 = madd(v128.load(p1), d0, s10);
      s11 = madd(v128.load(p1, 16), d1, s11);
      s20 = madd(v128.load(p2), d0, s20);
      s21 = madd(v128.load(p2, 16), d1, s21);
      p0 += xColumn;
      p1 += xColumn;
      p2 += xColumn;
      dy += dyStep;
    }
  }
  v128.store(acc, f32x4.add(v128.load(acc), s00));
  v128.store(acc, f32x4.add(v128.load(acc, 16), s01), 16);
  acc += accStep;
  v128.store(acc, f32x4.add(v128.load(acc), s10));
  v128.store(acc, f32x4.add(v128.load(acc, 16), s11), 16);
  acc += accStep;
  v128.store(acc, f32x4.add(v128.load(acc), s20));
  v128.store(acc, f32x4.add(v128.load(acc, 16), s21), 16);
}

// @ts-ignore: decorator
@inline
function taps1x4(
  x: usize, dy: usize, acc: usize, rows: i32, columns: i32, xColumn: usize, xRow: usize, dyStep: usize,
): void {
  let s: v128 = f32x4.splat(0);
  for (let r: i32 = 0; r < rows; r++, x += xRow) {
    let p: usize = x;
    for (let k: i32 = columns; k > 0; k--, p += xColumn, dy += dyStep) s = madd(v128.load(p), v128.load(dy), s);
  }
  v128.store(acc, f32x4.add(v128.load(acc), s));
}

/**
 * Filter gradient of a band of one image: `x` is `float32[.., wp, c]`, padded, its first row and column under the
 * first tap of the first pixel of `dy float32[rows, columns, c]`; `acc` is `float32[kh, kw, c]`. `c` is a multiple of four.
 */
export function depthwiseFilter(
  x: usize, dy: usize, acc: usize, rows: i32, columns: i32, c: i32, wp: i32, kh: i32, kw: i32,
  strideY: i32, strideX: i32, dilationY: i32, dilationX: i32,
): void {
  const pixel: usize = <usize>c * 4;
  const line: usize = <usize>wp * pixel;
  const tap: usize = <usize>dilationX * pixel;
  const column: usize = <usize>strideX * pixel;
  const row: usize = <usize>strideY * line;
  for (let q: usize = 0; q < pixel;) {
    const wide: bool = q + 32 <= pixel;
    for (let ky: i32 = 0; ky < kh; ky++) {
      for (let kx: i32 = 0; kx < kw;) {
        const p: usize = x + <usize>(ky * dilationY) * line + <usize>kx * tap + q;
        const s: usize = acc + <usize>(ky * kw + kx) * pixel + q;
        if (wide && kx + 3 <= kw) {
          taps3x8(p, dy + q, s, pixel, rows, columns, tap, column, row, pixel);
          kx += 3;
        } else {
          taps1x4(p, dy + q, s, rows, columns, column, row, pixel);
          if (wide) taps1x4(p + 16, dy + q + 16, s + 16, rows, columns, column, row, pixel);
          kx++;
        }
      }
    }
    q += wide ? 32 : 16;
  }
}

/** `dx = sum of the nine taps`, four channels, `count` pixels. A row of taps is `dyRow` bytes up, a column `dyTap` to the left. */
// @ts-ignore: decorator
@inline
function grid3x3(
  dy: usize, dyRow: usize, dyTap: usize, dyStep: usize, w: usize, wRow: usize, wTap: usize,
  dx: usize, dxStep: usize, count: i32,
): void {
  const w0: v128 = v128.load(w), w1: v128 = v128.load(w + wTap), w2: v128 = v128.load(w + 2 * wTap);
  w += wRow;
  const w3: v128 = v128.load(w), w4: v128 = v128.load(w + wTap), w5: v128 = v128.load(w + 2 * wTap);
  w += wRow;
  const w6: v128 = v128.load(w), w7: v128 = v128.load(w + wTap), w8: v128 = v128.load(w + 2 * wTap);
  let p: usize = dy, q: usize = dy - dyTap, r: usize = dy - 2 * dyTap;
  const dyRow2: usize = 2 * dyRow;
  for (let k: i32 = count; k > 0; k--) {
    let s: v128 = f32x4.mul(v128.load(p), w0);
    let t: v128 = f32x4.mul(v128.load(q), w1);
    s = madd(v128.load(r), w2, s);
    t = madd(v128.load(p - dyRow), w3, t);
    s = madd(v128.load(q - dyRow), w4, s);
    t = madd(v128.load(r - dyRow), w5, t);
    s = madd(v128.load(p - dyRow2), w6, s);
    t = madd(v128.load(q - dyRow2), w7, t);
    s = madd(v128.load(r - dyRow2), w8, s);
    v128.store(dx, f32x4.add(s, t));
    p += dyStep;
    q += dyStep;
    r += dyStep;
    dx += dxStep;
  }
}

/** `dx (+)= dy * w`, two taps at once, four channels, `count` pixels. */
// @ts-ignore: decorator
@inline
function pair(
  p: usize, q: usize, dyStep: usize, w: v128, v: v128, dx: usize, dxStep: usize, count: i32, fresh: bool,
): void {
  for (let k: i32 = count; k > 0; k--, p += dyStep, q += dyStep, dx += dxStep) {
    const s: v128 = fresh ? f32x4.splat(0) : v128.load(dx);
    v128.store(dx, madd(v128.load(q), v, madd(v128.load(p), w, s)));
  }
}

// @ts-ignore: decorator
@inline
function single(
  p: usize, dyStep: usize, w: v128, dx: usize, dxStep: usize, count: i32, fresh: bool,
): void {
  for (let k: i32 = count; k > 0; k--, p += dyStep, dx += dxStep) {
    v128.store(dx, madd(v128.load(p), w, fresh ? f32x4.splat(0) : v128.load(dx)));
  }
}

/**
 * Input gradient of one row `dx float32[w, c]` (`c` a multiple of four) of one image. `dy` is `float32[oh, wp, c]`
 * with `left` columns and `above` rows of padding; `filter` is `float32[kh, kw, c]`; `list` has room for `kh * kw` taps.
 */
export function depthwiseInputRow(
  dy: usize, filter: usize, dx: usize, list: usize, y: i32, w: i32, c: i32, oh: i32, left: i32, wp: i32,
  kh: i32, kw: i32, strideY: i32, strideX: i32, dilationY: i32, dilationX: i32, top: i32, begin: i32,
): void {
  const pixel: usize = <usize>c * 4;
  const line: usize = <usize>wp * pixel;
  const step: usize = <usize>strideX * pixel;
  for (let x: i32 = 0; x < strideX && x < w; x++) {
    let taps: i32 = 0;
    for (let ky: i32 = 0; ky < kh; ky++) {
      const down: i32 = y + top - ky * dilationY;
      if (down < 0 || down % strideY != 0 || down / strideY >= oh) continue;
      const row: usize = dy + <usize>(down / strideY) * line;
      for (let kx: i32 = 0; kx < kw; kx++) {
        const across: i32 = x + begin - kx * dilationX;
        if (across % strideX != 0) continue;
        store<u32>(list + (<usize>taps << 3), <u32>(row + <usize>(across / strideX + left) * pixel));
        store<u32>(list + (<usize>taps << 3), <u32>(filter + <usize>(ky * kw + kx) * pixel), 4);
        taps++;
      }
    }
    const count: i32 = (w - x + strideX - 1) / strideX;
    const out: usize = dx + <usize>x * pixel;
    // Nine taps of a 3x3 filter at stride 1 are a regular grid; at the border of the image some are missing.
    const grid: bool = kh == 3 && kw == 3 && taps == 9 && strideY == 1 && strideX == 1;
    for (let q: usize = 0; q < pixel; q += 16) {
      if (grid) {
        grid3x3(
          <usize>load<u32>(list) + q, <usize>dilationY * line, <usize>dilationX * pixel, pixel,
          filter + q, 3 * pixel, pixel, out + q, step, count,
        );
        continue;
      }
      if (taps == 0) {
        for (let p: usize = out + q, k: i32 = 0; k < count; k++, p += step) v128.store(p, f32x4.splat(0));
        continue;
      }
      let t: i32 = 0;
      let fresh: bool = true;
      for (; t + 2 <= taps; t += 2, fresh = false) {
        const l: usize = list + (<usize>t << 3);
        pair(
          <usize>load<u32>(l) + q, <usize>load<u32>(l, 8) + q, pixel,
          v128.load(<usize>load<u32>(l, 4) + q), v128.load(<usize>load<u32>(l, 12) + q), out + q, step, count, fresh,
        );
      }
      if (t < taps) {
        const l: usize = list + (<usize>t << 3);
        single(<usize>load<u32>(l) + q, pixel, v128.load(<usize>load<u32>(l, 4) + q), out + q, step, count, fresh);
      }
    }
  }
}

/** Drops what padding and a channel multiplier added: `dst[n, c] = sum over m of src[n, c * m]`, rows of `src` being `cp` long. */
export function foldChannels(src: usize, dst: usize, n: i32, c: i32, multiplier: i32, cp: i32): void {
  for (let k: i32 = 0; k < n; k++, src += <usize>cp * 4) {
    let p: usize = src;
    for (let i: i32 = 0; i < c; i++, dst += 4) {
      let s: f32 = load<f32>(p);
      p += 4;
      for (let m: i32 = 1; m < multiplier; m++, p += 4) s += load<f32>(p);
      store<f32>(dst, s);
    }
  }
}
