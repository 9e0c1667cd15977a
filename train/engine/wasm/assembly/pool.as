// Gradients of pooling. A window never leaves the image: the border is not part of it.

/** Adds the four lanes of `v` to the addresses in `at`. */
// @ts-ignore: decorator
@inline
function scatter(at: v128, v: v128): void {
  let p: usize = <usize>i32x4.extract_lane(at, 0);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 0));
  p = <usize>i32x4.extract_lane(at, 1);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 1));
  p = <usize>i32x4.extract_lane(at, 2);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 2));
  p = <usize>i32x4.extract_lane(at, 3);
  store<f32>(p, load<f32>(p) + f32x4.extract_lane(v, 3));
}

/**
 * One image: the gradient of every output goes to the first greatest value of its window, in row order. `x` and
 * `dx` are `float32[h, w, c]`, `dy` is `float32[oh, ow, c]`; `dx` must be zeroed.
 */
export function maxPool(
  x: usize, dy: usize, dx: usize, h: i32, w: i32, c: i32, oh: i32, ow: i32,
  windowY: i32, windowX: i32, strideY: i32, strideX: i32, top: i32, left: i32,
): void {
  const pixel: usize = <usize>c * 4;
  const row: usize = <usize>w * pixel;
  const shift: i32 = <i32>(dx - x);
  for (let oy: i32 = 0; oy < oh; oy++) {
    const y0: i32 = max<i32>(0, oy * strideY - top);
    const y1: i32 = min<i32>(h, oy * strideY - top + windowY);
    for (let ox: i32 = 0; ox < ow; ox++, dy += pixel) {
      const x0: i32 = max<i32>(0, ox * strideX - left);
      const x1: i32 = min<i32>(w, ox * strideX - left + windowX);
      if (y0 >= y1 || x0 >= x1) continue;
      const corner: usize = x + (<usize>y0 * <usize>w + <usize>x0) * pixel;
      let q: usize = 0;
      for (; q + 16 <= pixel; q += 16) {
        const lanes: v128 = i32x4(0, 4, 8, 12);
        let best: v128 = v128.load(corner + q);
        let at: v128 = i32x4.add(i32x4.splat(<i32>(corner + q)), lanes);
        for (let k: i32 = y0, line: usize = corner + q; k < y1; k++, line += row) {
          for (let m: i32 = x0, p: usize = line; m < x1; m++, p += pixel) {
            const v: v128 = v128.load(p);
            const greater: v128 = f32x4.gt(v, best);
            best = v128.bitselect(v, best, greater);
            at = v128.bitselect(i32x4.add(i32x4.splat(<i32>p), lanes), at, greater);
          }
        }
        scatter(i32x4.add(at, i32x4.splat(shift)), v128.load(dy + q));
      }
      for (; q < pixel; q += 4) {
        let at: usize = corner + q;
        let best: f32 = load<f32>(at);
        for (let k: i32 = y0, line: usize = at; k < y1; k++, line += row) {
          for (let m: i32 = x0, p: usize = line; m < x1; m++, p += pixel) {
            const v: f32 = load<f32>(p);
            if (v > best) {
              best = v;
              at = p;
            }
          }
        }
        at += <usize>shift;
        store<f32>(at, load<f32>(at) + load<f32>(dy + q));
      }
    }
  }
}

/** One image: the gradient of every output is shared equally by the pixels of its window. Arguments as above. */
export function averagePool(
  dy: usize, dx: usize, h: i32, w: i32, c: i32, oh: i32, ow: i32,
  windowY: i32, windowX: i32, strideY: i32, strideX: i32, top: i32, left: i32,
): void {
  const pixel: usize = <usize>c * 4;
  const row: usize = <usize>w * pixel;
  for (let oy: i32 = 0; oy < oh; oy++) {
    const y0: i32 = max<i32>(0, oy * strideY - top);
    const y1: i32 = min<i32>(h, oy * strideY - top + windowY);
    for (let ox: i32 = 0; ox < ow; ox++, dy += pixel) {
      const x0: i32 = max<i32>(0, ox * strideX - left);
      const x1: i32 = min<i32>(w, ox * strideX - left + windowX);
      if (y0 >= y1 || x0 >= x1) continue;
      const share: f32 = <f32>1 / <f32>((y1 - y0) * (x1 - x0));
      const corner: usize = dx + (<usize>y0 * <usize>w + <usize>x0) * pixel;
      for (let k: i32 = y0, line: usize = corner; k < y1; k++, line += row) {
        for (let m: i32 = x0, p: usize = line; m < x1; m++, p += pixel) {
          let q: usize = 0;
          for (; q + 16 <= pixel; q += 16) {
            v128.store(p + q, f32x4.add(v128.load(p + q), f32x4.mul(v128.load(dy + q), f32x4.splat(share))));
          }
          for (; q < pixel; q += 4) store<f32>(p + q, load<f32>(p + q) + load<f32>(dy + q) * share);
        }
      }
    }
  }
}
