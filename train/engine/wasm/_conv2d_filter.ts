/**
 * `Conv2DBackpropFilter` for the wasm backend.
 *
 *     dW[ky, kx, i, o] = sum over n, y, x of X[n, y sY + ky dY - pT, x sX + kx dX - pL, i] dY[n, y, x, o]
 *
 * For each row of taps this is `A^T B` over pixels, both operands in the order they have in memory: nothing is
 * transposed. `kx` and `i` are neighbours in memory (when the dilation is 1), so they are one axis of `kw * i`, which
 * keeps blocks of four full for the three channels of a stem. The input is copied a band at a time with its padding.
 */

import type { tf } from "../tf.ts";
import {
  axesOf,
  type Axis,
  convInfo,
  type FilterGradAttrs,
  type FilterGradInputs,
  inside,
  isPointwise,
  reach,
} from "./_conv_info.ts";
import { addressOf, kernelsOf, upToFour, type WasmBackend, withScratch } from "./_module.ts";

/** A band of input and gradient of this size stays in the nearest caches while every block of the filter visits it. */
const BAND_BYTES = 48 * 1024;
/** Fewer pixels than this and loading and storing the sums would show. */
const BAND_PIXELS = 128;

/**
 * Gradient of a convolution with respect to its filter.
 *
 * @returns `float32[KH, KW, I, O]`
 * @throws {TypeError} If the layout is not NHWC.
 * @throws {RangeError} If the shapes disagree or memory is exhausted.
 */
export function conv2dBackpropFilter(
  backend: WasmBackend,
  { x, dy }: FilterGradInputs,
  attrs: FilterGradAttrs,
): tf.TensorInfo {
  const info = convInfo(x.shape, attrs.filterShape, dy.shape, attrs, false);
  const axes = axesOf(info);
  const dw = backend.makeOutput([...attrs.filterShape], "float32");
  const product: Product = isPointwise(axes)
    // One image of N H rows: bands may then span images, whatever their size.
    ? { images: 1, ...axes, y: { ...axes.y, input: rowsOf(info), output: rowsOf(info) }, ...channels(info) }
    : { images: info.batchSize, ...axes, ...channels(info) };
  accumulate(backend, product, addressOf(backend, x), addressOf(backend, dy), addressOf(backend, dw));
  return dw;
}

function rowsOf(info: { readonly batchSize: number; readonly outHeight: number }): number {
  return info.batchSize * info.outHeight;
}

function channels(info: { readonly inChannels: number; readonly outChannels: number }) {
  return { i: info.inChannels, o: info.outChannels };
}

/** A convolution by its geometry alone. */
export interface Product {
  readonly images: number;
  readonly y: Axis;
  readonly x: Axis;
  readonly i: number;
  readonly o: number;
}

/** Writes the filter gradient of `product` to `dw`, overwriting it. Addresses are those of contiguous float32. */
export function accumulate(backend: WasmBackend, product: Product, x: number, dy: number, dw: number): void {
  const { images, y, x: across, i, o } = product;
  const kernels = kernelsOf(backend);
  const columns = across.output;
  const joined = across.dilation === 1; // taps of a row and channels are one axis
  const j = joined ? across.taps * i : i;
  const jp = upToFour(j);
  const op = upToFour(o);
  const direct = inside(y) && inside(across) && jp === j;
  const wp = direct ? across.input : reach(across, columns);

  // A band is either some rows of one image or several whole images.
  const pixels = Math.max(BAND_PIXELS, Math.floor(BAND_BYTES / (4 * (i * y.stride * across.stride + o))));
  const bandRows = Math.min(y.output, Math.max(1, Math.floor(pixels / columns)));
  const bandImages = bandRows < y.output
    ? 1
    : Math.min(images, Math.max(1, Math.floor(pixels / (y.output * columns))));
  const bandReach = reach(y, bandRows);

  const taps = y.taps * (joined ? 1 : across.taps);
  const own = jp === j && op === o; // the sums may be kept where they belong
  const scratch = [
    direct ? 0 : bandImages * bandReach * wp * i * 4,
    op === o ? 0 : bandImages * bandRows * columns * op * 4,
    own ? 0 : taps * jp * op * 4,
  ];
  withScratch(backend, scratch, (packedX, packedDy, packedSums) => {
    const sums = own ? dw : packedSums!;
    kernels.clear(sums, taps * jp * op * 4);
    for (let n = 0; n < images; n += bandImages) {
      const group = Math.min(bandImages, images - n);
      for (let row = 0; row < y.output; row += bandRows) {
        const rows = Math.min(bandRows, y.output - row);
        const image = x + n * y.input * across.input * i * 4;
        let a = image + row * y.stride * wp * i * 4;
        let imageStep = y.input * wp * i * 4;
        if (!direct) {
          const packedRows = reach(y, rows);
          a = packedX!;
          imageStep = packedRows * wp * i * 4;
          for (let g = 0; g < group; g++) {
            kernels.packRows(
              image + g * y.input * across.input * i * 4,
              a + g * imageStep,
              packedRows,
              row * y.stride - y.before,
              y.input,
              across.input,
              i,
              across.before,
              wp,
              i,
              1,
            );
          }
        }
        let b = dy + (n * y.output + row) * columns * o * 4;
        if (op !== o) {
          const count = group * rows * columns;
          kernels.packRows(b, packedDy!, 1, 0, 1, count, o, 0, count, op, 1);
          b = packedDy!;
        }
        for (let tap = 0; tap < taps; tap++) {
          const ky = joined ? tap : Math.floor(tap / across.taps);
          const kx = joined ? 0 : tap % across.taps;
          kernels.accumulateOuter(
            a + (ky * y.dilation * wp + kx * across.dilation) * i * 4,
            b,
            sums + tap * jp * op * 4,
            jp,
            op,
            group,
            rows,
            columns,
            across.stride * i * 4,
            y.stride * wp * i * 4,
            imageStep,
            op * 4,
          );
        }
      }
    }
    if (!own) {
      for (let tap = 0; tap < taps; tap++) {
        kernels.foldChannels(sums + tap * jp * op * 4, dw + tap * j * o * 4, j, o, 1, op);
      }
    }
  });
}
