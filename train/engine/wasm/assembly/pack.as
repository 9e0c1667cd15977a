// Copies with zero padding, so that the kernels need no test for the border in their inner loops.

/**
 * Copies `rows` rows of one image `float32[h, w, c]`, the first being row `y0`, into
 * `float32[rows, wp, cp]` with `left` columns of padding before the first column of the image.
 * `y0`, `left` and the rows may lie outside the image in any direction; what is outside reads zero.
 * `cp >= c * repeat`; every channel is written `repeat` times in a row, the rest up to `cp` is zero.
 */
export function packRows(
  src: usize, dst: usize, rows: i32, y0: i32, h: i32, w: i32, c: i32,
  left: i32, wp: i32, cp: i32, repeat: i32,
): void {
  const rowBytes: usize = <usize>wp * <usize>cp * 4;
  const from: i32 = left < 0 ? -left : 0; // first column of the image that is copied
  const to: i32 = min<i32>(w, wp - left); // one past the last
  const plain: bool = cp == c && repeat == 1;
  for (let r: i32 = 0; r < rows; r++, dst += rowBytes) {
    const y: i32 = y0 + r;
    if (y < 0 || y >= h || from >= to) {
      memory.fill(dst, 0, rowBytes);
      continue;
    }
    const first: usize = dst + <usize>(left + from) * <usize>cp * 4;
    const last: usize = dst + <usize>(left + to) * <usize>cp * 4;
    memory.fill(dst, 0, plain ? first - dst : rowBytes);
    const row: usize = src + (<usize>y * <usize>w + <usize>from) * <usize>c * 4;
    if (plain) {
      memory.copy(first, row, last - first);
      memory.fill(last, 0, dst + rowBytes - last);
    } else if (repeat == 1) {
      for (let p: usize = first, s: usize = row; p < last; p += <usize>cp * 4, s += <usize>c * 4) {
        for (let k: usize = 0; k < <usize>c * 4; k += 4) store<f32>(p + k, load<f32>(s + k));
      }
    } else {
      for (let p: usize = first, s: usize = row; p < last; p += <usize>cp * 4, s += <usize>c * 4) {
        let t: usize = p;
        for (let k: i32 = 0; k < c; k++) {
          const v: f32 = load<f32>(s + (<usize>k << 2));
          for (let m: i32 = 0; m < repeat; m++, t += 4) store<f32>(t, v);
        }
      }
    }
  }
}
