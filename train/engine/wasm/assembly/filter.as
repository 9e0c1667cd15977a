// A^T B over pixels: the gradient of a convolution with respect to its filter.

import { madd } from "./madd";

/**
 * `acc[4, 8] += sum over pixels of a[pixel, 0..4]^T b[pixel, 0..8]`, sums kept in registers. Pixels are
 * `images x rows x columns`; `a` advances by its own step per column, row and image (bytes, from start to
 * start), `b` by `bStep` per pixel throughout. `accStep` is the distance of two rows of `acc` in bytes.
 */
// @ts-ignore: decorator
@inline
function tile4x8(
  a: usize, b: usize, acc: usize, accStep: usize, images: i32, rows: i32, columns: i32,
  aColumn: usize, aRow: usize, aImage: usize, bStep: usize,
): void {
  let s00: v128 = f32x4.splat(0), s01: v128 = f32x4.splat(0);
  let s10: v128 = f32x4.splat(0), s11: v128 = f32x4.splat(0);
  let s20: v128 = f32x4.splat(0), s21: v128 = f32x4.splat(0);
  let s30: v128 = f32x4.splat(0), s31: v128 = f32x4.splat(0);
  for (let n: i32 = 0; n < images; n++, a += aImage) {
    let row: usize = a;
    for (let r: i32 = 0; r < rows; r++, row += aRow) {
      let p: usize = row;
      for (let k: i32 = columns; k > 0; k--) {
        const b0: v128 = v128.load(b);
        const b1: v128 = v128.load(b, 16);
        const a0: v128 = v128.load_splat<f32>(p);
        s00 = madd(a0, b0, s00);
        s01 = madd(a0, b1, s01);
        const a1: v128 = v128.load_splat<f32>(p, 4);
        s10 = madd(a1, b0, s10);
        s11 = madd(a1, b1, s11);
        const a2: v128 = v128.load_splat<f32>(p, 8);
        s20 = madd(a2, b0, s20);
        s21 = madd(a2, b1, s21);
        const a3: v128 = v128.load_splat<f32>(p, 12);
        s30 = madd(a3, b0, s30);
        s31 = madd(a3, b1, s31);
        p += aColumn;
        b += bStep;
      }
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
  acc += accStep;
  v128.store(acc, f32x4.add(v128.load(acc), s30));
  v128.store(acc, f32x4.add(v128.load(acc, 16), s31), 16);
}

/** The same for four columns of `b`: the last block when the number of columns is not a multiple of eight. */
// @ts-ignore: decorator
@inline
function tile4x4(
  a: usize, b: usize, acc: usize, accStep: usize, images: i32, rows: i32, columns: i32,
  aColumn: usize, aRow: usize, aImage: usize, bStep: usize,
): void {
  let s0: v128 = f32x4.splat(0), s1: v128 = f32x4.splat(0);
  let s2: v128 = f32x4.splat(0), s3: v128 = f32x4.splat(0);
  for (let n: i32 = 0; n < images; n++, a += aImage) {
    let row: usize = a;
    for (let r: i32 = 0; r < rows; r++, row += aRow) {
      let p: usize = row;
      for (let k: i32 = columns; k > 0; k--) {
        const b0: v128 = v128.load(b);
        s0 = madd(v128.load_splat<f32>(p), b0, s0);
        s1 = madd(v128.load_splat<f32>(p, 4), b0, s1);
        s2 = madd(v128.load_splat<f32>(p, 8), b0, s2);
        s3 = madd(v128.load_splat<f32>(p, 12), b0, s3);
        p += aColumn;
        b += bStep;
      }
    }
  }
  v128.store(acc, f32x4.add(v128.load(acc), s0));
  acc += accStep;
  v128.store(acc, f32x4.add(v128.load(acc), s1));
  acc += accStep;
  v128.store(acc, f32x4.add(v128.load(acc), s2));
  acc += accStep;
  v128.store(acc, f32x4.add(v128.load(acc), s3));
}

/**
 * `acc[j, o] += A^T B` for all `j` and `o`; both must be multiples of four (the caller pads). Nested steps that
 * turn out to be contiguous are joined, so that a 1x1 convolution is one long loop.
 */
export function accumulateOuter(
  a: usize, b: usize, acc: usize, j: i32, o: i32, images: i32, rows: i32, columns: i32,
  aColumn: usize, aRow: usize, aImage: usize, bStep: usize,
): void {
  if (aRow == aColumn * <usize>columns) {
    columns *= rows;
    rows = 1;
    if (aImage == aColumn * <usize>columns) {
      columns *= images;
      images = 1;
    }
  }
  const accStep: usize = <usize>o * 4;
  for (let k: i32 = 0; k < j; k += 4, a += 16, acc += accStep * 4) {
    let q: i32 = 0;
    for (; q + 8 <= o; q += 8) {
      tile4x8(a, b + (<usize>q << 2), acc + (<usize>q << 2), accStep, images, rows, columns, aColumn, aRow, aImage, bStep);
    }
    if (q < o) {
      tile4x4(a, b + (<usize>q << 2), acc + (<usize>q << 2), accStep, images, rows, columns, aColumn, aRow, aImage, bStep);
    }
  }
}
