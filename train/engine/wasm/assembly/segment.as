/** `dst[id[k], :] += src[k, :]`; ids outside `[0, segments)` are dropped, as TensorFlow does. `dst` must be zeroed. */
export function segmentSumF32(src: usize, ids: usize, dst: usize, n: i32, inner: i32, segments: i32): void {
  const bytes: usize = <usize>inner * 4;
  for (let k: i32 = 0; k < n; k++, ids += 4, src += bytes) {
    const id: i32 = load<i32>(ids);
    if (id < 0 || id >= segments) continue;
    const out: usize = dst + <usize>id * bytes;
    let q: usize = 0;
    for (; q + 16 <= bytes; q += 16) v128.store(out + q, f32x4.add(v128.load(out + q), v128.load(src + q)));
    for (; q < bytes; q += 4) store<f32>(out + q, load<f32>(out + q) + load<f32>(src + q));
  }
}

/** The same for `int32`. */
export function segmentSumI32(src: usize, ids: usize, dst: usize, n: i32, inner: i32, segments: i32): void {
  const bytes: usize = <usize>inner * 4;
  for (let k: i32 = 0; k < n; k++, ids += 4, src += bytes) {
    const id: i32 = load<i32>(ids);
    if (id < 0 || id >= segments) continue;
    const out: usize = dst + <usize>id * bytes;
    for (let q: usize = 0; q < bytes; q += 4) store<i32>(out + q, load<i32>(out + q) + load<i32>(src + q));
  }
}
