// Batch normalisation with batch statistics, and the gradients of rectifiers. `x` and `dy` are `float32[rows, c]`; values per
// channel are `float32[c]`, sums per channel `float64[c]`.
//
// Sums run over blocks of rows in float32 and over blocks in float64, so that a hundred thousand rows cost no more precision
// than one block. A block is read from memory once and stays in the cache for what else is done with it.

import { madd } from "./madd";

/** Rows of a block: 64 bytes of each are read at a time, 8 KiB in all. */
const BLOCK: i32 = 128;

/** Adds the four lanes of `v` to four sums. */
// @ts-ignore: decorator
@inline
function addTo(sums: usize, v: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), f64x2.promote_low_f32x4(v)));
  const high: v128 = i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  v128.store(sums + 16, f64x2.add(v128.load(sums + 16), f64x2.promote_low_f32x4(high)));
}

/**
 * Merges the sum of squared deviations of a block of `n` rows and its mean into those of the `before` rows above (Chan,
 * Golub and LeVeque 1979).
 */
// @ts-ignore: decorator
@inline
function merge(mean: usize, squares: usize, before: f64, n: f64, blockMean: f64, blockSquares: f64): void {
  const delta: f64 = blockMean - load<f64>(mean);
  const share: f64 = n / (before + n);
  store<f64>(mean, load<f64>(mean) + delta * share);
  store<f64>(squares, load<f64>(squares) + blockSquares + delta * delta * before * share);
}

// @ts-ignore: decorator
@inline
function mergeFour(mean: usize, squares: usize, before: f64, n: f64, m: v128, s: v128): void {
  merge(mean, squares, before, n, <f64>f32x4.extract_lane(m, 0), <f64>f32x4.extract_lane(s, 0));
  merge(mean + 8, squares + 8, before, n, <f64>f32x4.extract_lane(m, 1), <f64>f32x4.extract_lane(s, 1));
  merge(mean + 16, squares + 16, before, n, <f64>f32x4.extract_lane(m, 2), <f64>f32x4.extract_lane(s, 2));
  merge(mean + 24, squares + 24, before, n, <f64>f32x4.extract_lane(m, 3), <f64>f32x4.extract_lane(s, 3));
}

/** Means to `mean` and sums of squared deviations from them to `squares`, both `float64[c]`. */
export function moments(x: usize, mean: usize, squares: usize, rows: i32, c: i32): void {
  const row: usize = <usize>c * 4;
  memory.fill(mean, 0, row * 2);
  memory.fill(squares, 0, row * 2);
  for (let done: i32 = 0; done < rows; done += BLOCK, x += <usize>BLOCK * row) {
    const n: i32 = min<i32>(BLOCK, rows - done);
    const end: usize = x + <usize>n * row;
    const before: f64 = <f64>done;
    const many: f64 = <f64>n;
    const inverse: v128 = f32x4.splat(<f32>1 / <f32>n);
    let q: usize = 0;
    for (; q + 64 <= row; q += 64) {
      let a: v128 = f32x4.splat(0);
      let b: v128 = a;
      let d: v128 = a;
      let e: v128 = a;
      for (let p: usize = x + q; p < end; p += row) {
        a = f32x4.add(a, v128.load(p));
        b = f32x4.add(b, v128.load(p, 16));
        d = f32x4.add(d, v128.load(p, 32));
        e = f32x4.add(e, v128.load(p, 48));
      }
      const ma: v128 = f32x4.mul(a, inverse);
      const mb: v128 = f32x4.mul(b, inverse);
      const md: v128 = f32x4.mul(d, inverse);
      const me: v128 = f32x4.mul(e, inverse);
      a = f32x4.splat(0);
      b = a;
      d = a;
      e = a;
      for (let p: usize = x + q; p < end; p += row) {
        const va: v128 = f32x4.sub(v128.load(p), ma);
        const vb: v128 = f32x4.sub(v128.load(p, 16), mb);
        const vd: v128 = f32x4.sub(v128.load(p, 32), md);
        const ve: v128 = f32x4.sub(v128.load(p, 48), me);
        a = madd(va, va, a);
        b = madd(vb, vb, b);
        d = madd(vd, vd, d);
        e = madd(ve, ve, e);
      }
      const to: usize = mean + q * 2;
      const and: usize = squares + q * 2;
      mergeFour(to, and, before, many, ma, a);
      mergeFour(to + 32, and + 32, before, many, mb, b);
      mergeFour(to + 64, and + 64, before, many, md, d);
      mergeFour(to + 96, and + 96, before, many, me, e);
    }
    for (; q + 16 <= row; q += 16) {
      let a: v128 = f32x4.splat(0);
      for (let p: usize = x + q; p < end; p += row) a = f32x4.add(a, v128.load(p));
      const ma: v128 = f32x4.mul(a, inverse);
      a = f32x4.splat(0);
      for (let p: usize = x + q; p < end; p += row) {
        const va: v128 = f32x4.sub(v128.load(p), ma);
        a = madd(va, va, a);
      }
      mergeFour(mean + q * 2, squares + q * 2, before, many, ma, a);
    }
    for (; q < row; q += 4) {
      let a: f32 = 0;
      for (let p: usize = x + q; p < end; p += row) a += load<f32>(p);
      const ma: f32 = a * f32x4.extract_lane(inverse, 0);
      a = 0;
      for (let p: usize = x + q; p < end; p += row) a += (load<f32>(p) - ma) * (load<f32>(p) - ma);
      merge(mean + q * 2, squares + q * 2, before, many, <f64>ma, <f64>a);
    }
  }
}

/** `y = (x - mean) * factor + offset`, values per channel `float32[c]`. */
export function normalize(
  x: usize, y: usize, mean: usize, factor: usize, offset: usize, rows: i32, c: i32,
): void {
  const row: usize = <usize>c * 4;
  for (let k: i32 = 0; k < rows; k++, x += row, y += row) {
    let q: usize = 0;
    for (; q + 16 <= row; q += 16) {
      const centred: v128 = f32x4.sub(v128.load(x + q), v128.load(mean + q));
      v128.store(y + q, madd(centred, v128.load(factor + q), v128.load(offset + q)));
    }
    for (; q < row; q += 4) {
      store<f32>(y + q, (load<f32>(x + q) - load<f32>(mean + q)) * load<f32>(factor + q) + load<f32>(offset + q));
    }
  }
}

/** Sums of `dy` to `sums` and of `dy * (x - mean)` to `products`, both `float64[c]`. */
export function normSums(
  dy: usize, x: usize, mean: usize, sums: usize, products: usize, rows: i32, c: i32,
): void {
  const row: usize = <usize>c * 4;
  memory.fill(sums, 0, row * 2);
  memory.fill(products, 0, row * 2);
  for (let done: i32 = 0; done < rows; done += BLOCK, x += <usize>BLOCK * row, dy += <usize>BLOCK * row) {
    const end: usize = dy + <usize>min<i32>(BLOCK, rows - done) * row;
    let q: usize = 0;
    for (; q + 32 <= row; q += 32) {
      const ma: v128 = v128.load(mean + q);
      const mb: v128 = v128.load(mean + q, 16);
      let a: v128 = f32x4.splat(0);
      let b: v128 = a;
      let pa: v128 = a;
      let pb: v128 = a;
      for (let d: usize = dy + q, p: usize = x + q; d < end; d += row, p += row) {
        const da: v128 = v128.load(d);
        const db: v128 = v128.load(d, 16);
        a = f32x4.add(a, da);
        b = f32x4.add(b, db);
        pa = madd(da, f32x4.sub(v128.load(p), ma), pa);
        pb = madd(db, f32x4.sub(v128.load(p, 16), mb), pb);
      }
      addTo(sums + q * 2, a);
      addTo(sums + q * 2 + 32, b);
      addTo(products + q * 2, pa);
      addTo(products + q * 2 + 32, pb);
    }
    for (; q + 16 <= row; q += 16) {
      const ma: v128 = v128.load(mean + q);
      let a: v128 = f32x4.splat(0);
      let pa: v128 = a;
      for (let d: usize = dy + q, p: usize = x + q; d < end; d += row, p += row) {
        const da: v128 = v128.load(d);
        a = f32x4.add(a, da);
        pa = madd(da, f32x4.sub(v128.load(p), ma), pa);
      }
      addTo(sums + q * 2, a);
      addTo(products + q * 2, pa);
    }
    for (; q < row; q += 4) {
      let a: f32 = 0;
      let pa: f32 = 0;
      for (let d: usize = dy + q, p: usize = x + q; d < end; d += row, p += row) {
        a += load<f32>(d);
        pa += load<f32>(d) * (load<f32>(p) - load<f32>(mean + q));
      }
      store<f64>(sums + q * 2, load<f64>(sums + q * 2) + <f64>a);
      store<f64>(products + q * 2, load<f64>(products + q * 2) + <f64>pa);
    }
  }
}

/** `dx = (dy - shift - (x - mean) * slope) * factor`, values per channel `float32[c]`. */
export function normInput(
  dy: usize, x: usize, dx: usize, mean: usize, shift: usize, slope: usize, factor: usize, rows: i32, c: i32,
): void {
  const row: usize = <usize>c * 4;
  for (let k: i32 = 0; k < rows; k++, x += row, dy += row, dx += row) {
    let q: usize = 0;
    for (; q + 16 <= row; q += 16) {
      const centred: v128 = f32x4.sub(v128.load(x + q), v128.load(mean + q));
      const d: v128 = f32x4.sub(v128.load(dy + q), v128.load(shift + q));
      const inner: v128 = f32x4.sub(d, f32x4.mul(centred, v128.load(slope + q)));
      v128.store(dx + q, f32x4.mul(inner, v128.load(factor + q)));
    }
    for (; q < row; q += 4) {
      const d: f32 = load<f32>(dy + q) - load<f32>(shift + q);
      const inner: f32 = d - (load<f32>(x + q) - load<f32>(mean + q)) * load<f32>(slope + q);
      store<f32>(dx + q, inner * load<f32>(factor + q));
    }
  }
}

/**
 * What follows from the moments, per channel: mean (twice: one is kept for the gradient), unbiased variance, inverse deviation `1 / sqrt(variance + epsilon)` of the
 * biased one, and that times `scale`. All but the moments `float32[c]`.
 */
export function finishMoments(
  mean: usize, squares: usize, scale: usize, epsilon: f64, rows: i32, c: i32,
  outMean: usize, outVariance: usize, keptMean: usize, outInverse: usize, outFactor: usize,
): void {
  const n: f64 = <f64>rows;
  const free: f64 = <f64>max<i32>(1, rows - 1);
  for (let k: usize = 0, end: usize = <usize>c * 4; k < end; k += 4) {
    const sum: f64 = load<f64>(squares + k * 2);
    const inverse: f64 = 1 / sqrt<f64>(sum / n + epsilon);
    const middle: f32 = <f32>load<f64>(mean + k * 2);
    store<f32>(outMean + k, middle);
    store<f32>(keptMean + k, middle);
    store<f32>(outVariance + k, <f32>(sum / free));
    store<f32>(outInverse + k, <f32>inverse);
    store<f32>(outFactor + k, <f32>(<f64>load<f32>(scale + k) * inverse));
  }
}

/** What follows from the sums of `normSums`, per channel: both gradients and the coefficients of `normInput`, `float32[c]`. */
export function finishNormSums(
  sums: usize, products: usize, inverse: usize, scale: usize, rows: i32, c: i32,
  dScale: usize, dOffset: usize, shift: usize, slope: usize, factor: usize,
): void {
  const n: f64 = <f64>rows;
  for (let k: usize = 0, end: usize = <usize>c * 4; k < end; k += 4) {
    const sum: f64 = load<f64>(sums + k * 2);
    const product: f64 = load<f64>(products + k * 2);
    const inv: f64 = <f64>load<f32>(inverse + k);
    store<f32>(dScale + k, <f32>(product * inv));
    store<f32>(dOffset + k, <f32>sum);
    store<f32>(shift + k, <f32>(sum / n));
    store<f32>(slope + k, <f32>(product * inv * inv / n));
    store<f32>(factor + k, <f32>(<f64>load<f32>(scale + k) * inv));
  }
}

/** `dx = dy` where `0 < y` and not `y >= most`, otherwise 0; `n` values. `most` is NaN when there is no upper end. */
export function rectifierInput(dy: usize, y: usize, dx: usize, n: i32, most: f32): void {
  const zero: v128 = f32x4.splat(0);
  const top: v128 = f32x4.splat(most);
  const bytes: usize = <usize>n * 4;
  let q: usize = 0;
  for (; q + 16 <= bytes; q += 16) {
    const v: v128 = v128.load(y + q);
    const passes: v128 = v128.andnot(f32x4.gt(v, zero), f32x4.ge(v, top));
    v128.store(dx + q, v128.and(v128.load(dy + q), passes));
  }
  for (; q < bytes; q += 4) {
    const v: f32 = load<f32>(y + q);
    store<f32>(dx + q, v > 0 && !(v >= most) ? load<f32>(dy + q) : 0);
  }
}
