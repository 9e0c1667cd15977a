/**
 * `DepthwiseConv2dNativeBackpropFilter` for the wasm backend.
 *
 *     dW[ky, kx, c, m] = sum over n, y, x of X[n, y sY + ky dY - pT, x sX + kx dX - pL, c] dY[n, y, x, c M + m]
 *
 * With a channel multiplier `M > 1` every input channel is repeated `M` times while it is copied, which leaves the
 * plain case over `C M` channels.
 */

import type { tf } from "../tf.ts";
import {
  axesOf,
  convInfo,
  type FilterGradAttrs,
  type FilterGradInputs,
  inside,
  reach,
} from "./_conv_info.ts";
import { addressOf, kernelsOf, upToFour, type WasmBackend, withScratch } from "./_module.ts";

/** Rows are done in bands of about this many bytes of padded input. */
const BAND_BYTES = 192 * 1024;

/**
 * Gradient of a depthwise convolution with respect to its filter.
 *
 * @returns `float32[KH, KW, C, M]`
 * @throws {RangeError} If the shapes disagree or memory is exhausted.
 */
export function depthwiseBackpropFilter(
  backend: WasmBackend,
  { x, dy }: FilterGradInputs,
  attrs: FilterGradAttrs,
): tf.TensorInfo {
  const info = convInfo(x.shape, attrs.filterShape, dy.shape, attrs, true);
  const { y, x: across } = axesOf(info);
  const { inChannels: c, outChannels: full } = info;
  const cp = upToFour(full);
  const columns = across.output;
  const taps = y.taps * across.taps;
  const direct = inside(y) && inside(across) && cp === c;
  const wp = direct ? across.input : reach(across, columns);
  const rowsThatFit = Math.floor(BAND_BYTES / (wp * cp * 4 * y.stride));
  const bandRows = Math.min(y.output, Math.max(1, rowsThatFit));
  const own = cp === full;
  const scratch = [
    direct ? 0 : reach(y, bandRows) * wp * cp * 4,
    own ? 0 : bandRows * columns * cp * 4,
    own ? 0 : taps * cp * 4,
  ];
  const dw = backend.makeOutput([...attrs.filterShape], "float32");
  const kernels = kernelsOf(backend);
  withScratch(backend, scratch, (packedX, packedDy, packedSums) => {
    const sums = own ? addressOf(backend, dw) : packedSums!;
    const gradient = addressOf(backend, dy);
    kernels.clear(sums, taps * cp * 4);
    for (let n = 0; n < info.batchSize; n++) {
      const image = addressOf(backend, x) + n * y.input * across.input * c * 4;
      for (let row = 0; row < y.output; row += bandRows) {
        const rows = Math.min(bandRows, y.output - row);
        let a = image + row * y.stride * wp * c * 4;
        if (!direct) {
          a = packedX!;
          kernels.packRows(
            image,
            a,
            reach(y, rows),
            row * y.stride - y.before,
            y.input,
            across.input,
            c,
            across.before,
            wp,
            cp,
            full / c,
          );
        }
        let b = gradient + (n * y.output + row) * columns * full * 4;
        if (!own) {
          const count = rows * columns;
          kernels.packRows(b, packedDy!, 1, 0, 1, count, full, 0, count, cp, 1);
          b = packedDy!;
        }
        kernels.depthwiseFilter(
          a,
          b,
          sums,
          rows,
          columns,
          cp,
          wp,
          y.taps,
          across.taps,
          y.stride,
          across.stride,
          y.dilation,
          across.dilation,
        );
      }
    }
    if (!own) kernels.foldChannels(sums, addressOf(backend, dw), taps, full, 1, cp);
  });
  return dw;
}
