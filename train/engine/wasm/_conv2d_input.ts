/**
 * `Conv2DBackpropInput` for the wasm backend, in place of the backend's own, which is a scalar loop.
 *
 *     dX[n, y, x, i] = sum over ky, kx, o of dY[n, (y + pT - ky dY) / sY, (x + pL - kx dX) / sX, o] W[ky, kx, i, o]
 *
 * over the taps for which both divisions are exact. Input pixels that are equal modulo the stride share their taps,
 * so a stride costs nothing extra. The filter is rearranged once per call; `dY` is copied with padding, one image
 * at a time.
 */

import type { tf } from "../tf.ts";
import {
  axesOf,
  convInfo,
  type InputGradAttrs,
  type InputGradInputs,
  isPointwise,
  padOutput,
} from "./_conv_info.ts";
import { addressOf, kernelsOf, type WasmBackend, withScratch } from "./_module.ts";

/** Rows are done in bands of about this many bytes of `dy`, each visited by every block of eight channels. */
const BAND_BYTES = 96 * 1024;

/**
 * Gradient of a convolution with respect to its input.
 *
 * @returns `float32[N, H, W, I]`
 * @throws {TypeError} If the layout is not NHWC.
 * @throws {RangeError} If the shapes disagree or memory is exhausted.
 */
export function conv2dBackpropInput(
  backend: WasmBackend,
  { dy, filter }: InputGradInputs,
  attrs: InputGradAttrs,
): tf.TensorInfo {
  const info = convInfo(attrs.inputShape, filter.shape, dy.shape, attrs, false);
  const axes = axesOf(info);
  const { batchSize: images, inChannels: i, outChannels: o } = info;
  const dx = backend.makeOutput([...attrs.inputShape], "float32");
  const from = addressOf(backend, dy);
  const weights = addressOf(backend, filter);
  const to = addressOf(backend, dx);
  if (isPointwise(axes)) {
    multiplyTransposed(backend, { rows: images * info.outHeight * info.outWidth, i, o }, from, weights, to);
    return dx;
  }
  const { y, x } = axes;
  const kernels = kernelsOf(backend);
  const { left, width } = padOutput(x);
  const taps = y.taps * x.taps;
  const packed = left !== 0 || width !== x.output;
  const band = Math.max(1, Math.floor(BAND_BYTES * y.stride / (width * o * 4)));
  const scratch = [packedFilterBytes(taps, i, o), packed ? y.output * width * o * 4 : 0, taps * 8];
  withScratch(backend, scratch, (packedFilter, packedDy, list) => {
    kernels.packFilter(weights, packedFilter!, taps, i, o);
    for (let n = 0; n < images; n++) {
      let image = from + n * y.output * x.output * o * 4;
      if (packed) {
        kernels.packRows(image, packedDy!, y.output, 0, y.output, x.output, o, left, width, o, 1);
        image = packedDy!;
      }
      for (let row = 0; row < y.input; row += band) {
        kernels.convInput(
          image,
          packedFilter!,
          to + n * y.input * x.input * i * 4,
          list!,
          row,
          Math.min(y.input, row + band),
          x.input,
          i,
          y.output,
          o,
          left,
          width,
          y.taps,
          x.taps,
          y.stride,
          x.stride,
          y.dilation,
          x.dilation,
          y.before,
          x.before,
        );
      }
    }
  });
  return dx;
}

/** A filter after `packFilter`: channels in blocks of eight. */
function packedFilterBytes(taps: number, i: number, o: number): number {
  return taps * Math.ceil(i / 8) * 8 * o * 4;
}

/** Sizes of a product of matrices. */
export interface ProductSizes {
  readonly rows: number;
  readonly i: number;
  readonly o: number;
}

/** Writes `C[rows, i] = A[rows, o] B[i, o]^T` to `to`. Addresses are those of contiguous float32. */
export function multiplyTransposed(
  backend: WasmBackend,
  { rows, i, o }: ProductSizes,
  a: number,
  b: number,
  to: number,
): void {
  const kernels = kernelsOf(backend);
  const band = Math.max(16, Math.floor(BAND_BYTES / (o * 4)) & ~3);
  withScratch(backend, [packedFilterBytes(1, i, o), 8], (packedFilter, list) => {
    kernels.packFilter(b, packedFilter!, 1, i, o);
    for (let row = 0; row < rows; row += band) {
      const n = Math.min(band, rows - row);
      // One row of n pixels under a single tap, without stride, dilation or padding.
      const geometry = [0, 1, n, i, 1, o, 0, n, 1, 1, 1, 1, 1, 1, 0, 0];
      kernels.convInput(a + row * o * 4, packedFilter!, to + row * i * 4, list!, ...geometry);
    }
  });
}
