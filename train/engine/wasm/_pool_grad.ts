/**
 * `MaxPoolGrad` and `AvgPoolGrad` for the wasm backend, in place of its own.
 *
 * Those of tfjs-backend-wasm 4.22.0 are wrong. The gradient of max pooling goes astray in every window without a positive
 * value and goes to the last of equal values (`cpu` and TensorFlow: the first). That of average pooling divides by the
 * size of the whole window where the forward pass divides by the number of pixels inside the image (tfjs' `cpu` backend
 * has this fault, too).
 */

import { tf } from "../tf.ts";
import { addressOf, kernelsOf, type WasmBackend } from "./_module.ts";

/** Attributes of both kernels. */
export interface PoolAttrs {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Inputs of `avgPoolGrad`. */
export interface AvgPoolInputs {
  /** `float32[N, OH, OW, C]` */
  readonly dy: tf.TensorInfo;
  /** `float32[N, H, W, C]` */
  readonly input: tf.TensorInfo;
}

/** Inputs of `maxPoolGrad`. */
export interface MaxPoolInputs extends AvgPoolInputs {
  /** `float32[N, OH, OW, C]`, not used */
  readonly output: tf.TensorInfo;
}

/**
 * Gradient of max pooling: that of each output goes to the greatest value of its window, the first in row order if
 * several are equal (as on `cpu` and in TensorFlow).
 *
 * @returns `float32[N, H, W, C]`
 * @throws {RangeError} If the shapes disagree.
 */
export function maxPoolGrad(
  backend: WasmBackend,
  { dy, input }: MaxPoolInputs,
  attrs: PoolAttrs,
): tf.TensorInfo {
  const { maxPool } = kernelsOf(backend);
  const x = addressOf(backend, input);
  return eachImage(
    backend,
    { dy, input },
    attrs,
    (image, from, to, ...geometry) => maxPool(x + image, from, to, ...geometry),
  );
}

/**
 * Gradient of average pooling: that of each output is shared equally by the pixels of its window that are inside the
 * image.
 *
 * @returns `float32[N, H, W, C]`
 * @throws {RangeError} If the shapes disagree.
 */
export function avgPoolGrad(
  backend: WasmBackend,
  inputs: AvgPoolInputs,
  attrs: PoolAttrs,
): tf.TensorInfo {
  const { averagePool } = kernelsOf(backend);
  return eachImage(backend, inputs, attrs, (_, from, to, ...geometry) => averagePool(from, to, ...geometry));
}

/** Calls `body` with the offset of each image in the input, the addresses of its `dy` and `dx`, and the geometry. */
function eachImage(
  backend: WasmBackend,
  { dy, input }: AvgPoolInputs,
  { filterSize, strides, pad, dimRoundingMode }: PoolAttrs,
  body: (image: number, dy: number, dx: number, ...geometry: number[]) => void,
): tf.TensorInfo {
  const info = tf.backend_util.computePool2DInfo(
    input.shape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  if (info.outShape.some((n, axis) => n !== dy.shape[axis])) {
    throw new RangeError(
      `Cannot compute the gradient of pooling: dy is [${dy.shape}], must be [${info.outShape}]`,
    );
  }
  const dx = backend.makeOutput([...input.shape], "float32");
  const to = addressOf(backend, dx);
  const from = addressOf(backend, dy);
  const { inHeight, inWidth, inChannels, outHeight, outWidth } = info;
  const imageBytes = inHeight * inWidth * inChannels * 4;
  kernelsOf(backend).clear(to, info.batchSize * imageBytes);
  for (let n = 0; n < info.batchSize; n++) {
    body(
      n * imageBytes,
      from + n * outHeight * outWidth * inChannels * 4,
      to + n * imageBytes,
      inHeight,
      inWidth,
      inChannels,
      outHeight,
      outWidth,
      info.filterHeight,
      info.filterWidth,
      info.strideHeight,
      info.strideWidth,
      info.padInfo.top,
      info.padInfo.left,
    );
  }
  return dx;
}
