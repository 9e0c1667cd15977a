/**
 * `DepthwiseConv2dNativeBackpropInput` for the wasm backend.
 *
 *     dX[n, y, x, c] = sum over ky, kx, m of dY[n, (y + pT - ky dY) / sY, (x + pL - kx dX) / sX, c M + m] W[ky, kx, c, m]
 *
 * over the taps for which both divisions are exact. With a channel multiplier `M > 1` the products of all `C M`
 * channels are made first and then summed in groups of `M`.
 */

import type { tf } from "../tf.ts";
import { axesOf, convInfo, type InputGradAttrs, type InputGradInputs, padOutput } from "./_conv_info.ts";
import { addressOf, kernelsOf, upToFour, type WasmBackend, withScratch } from "./_module.ts";

/**
 * Gradient of a depthwise convolution with respect to its input.
 *
 * @returns `float32[N, H, W, C]`
 * @throws {RangeError} If the shapes disagree or memory is exhausted.
 */
export function depthwiseBackpropInput(
  backend: WasmBackend,
  { dy, filter }: InputGradInputs,
  attrs: InputGradAttrs,
): tf.TensorInfo {
  const info = convInfo(attrs.inputShape, filter.shape, dy.shape, attrs, true);
  const { y, x } = axesOf(info);
  const { inChannels: c, outChannels: full } = info;
  const cp = upToFour(full);
  const taps = y.taps * x.taps;
  const { left, width } = padOutput(x);
  const packed = left !== 0 || width !== x.output || cp !== full;
  const own = cp === c;
  const scratch = [
    packed ? y.output * width * cp * 4 : 0,
    cp === full ? 0 : taps * cp * 4,
    own ? 0 : x.input * cp * 4,
    taps * 8,
  ];
  const dx = backend.makeOutput([...attrs.inputShape], "float32");
  const kernels = kernelsOf(backend);
  withScratch(backend, scratch, (packedDy, packedFilter, line, list) => {
    let weights = addressOf(backend, filter);
    if (cp !== full) {
      kernels.packRows(weights, packedFilter!, taps, 0, taps, 1, full, 0, 1, cp, 1);
      weights = packedFilter!;
    }
    for (let n = 0; n < info.batchSize; n++) {
      let image = addressOf(backend, dy) + n * y.output * x.output * full * 4;
      if (packed) {
        kernels.packRows(image, packedDy!, y.output, 0, y.output, x.output, full, left, width, cp, 1);
        image = packedDy!;
      }
      for (let row = 0; row < y.input; row++) {
        const to = addressOf(backend, dx) + (n * y.input + row) * x.input * c * 4;
        kernels.depthwiseInputRow(
          image,
          weights,
          own ? to : line!,
          list!,
          row,
          x.input,
          cp,
          y.output,
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
        if (!own) kernels.foldChannels(line!, to, x.input, c, full / c, cp);
      }
    }
  });
  return dx;
}
