/**
 * Training-mode batch norm and its gradient for the wasm backend, under the names of the native kernels.
 *
 * tfjs composes them of some thirty operations, most of which copy the picture. Here both read it twice and write it once.
 *
 * Dimension key: N batch, H W pixels, C channels.
 */

import type { tf } from "../tf.ts";
import { addressOf, kernelsOf, type WasmBackend, withScratch } from "./_module.ts";

/** Inputs of the kernel, in the order of `run`. */
export interface BatchNormInputs {
  /** `x float32[N, H, W, C]` */
  readonly 0: tf.TensorInfo;
  /** `scale float32[C]` */
  readonly 1: tf.TensorInfo;
  /** `offset float32[C]` */
  readonly 2: tf.TensorInfo;
}

/** Attributes of the kernel. */
export interface BatchNormAttrs {
  /** Added to the biased variance before the root. */
  readonly epsilon: number;
}

/** Inputs of the gradient. */
export interface BatchNormGradInputs {
  /** `dy float32[N, H, W, C]` */
  readonly 0: tf.TensorInfo;
  /** `x float32[N, H, W, C]` */
  readonly 1: tf.TensorInfo;
  /** `scale float32[C]` */
  readonly 2: tf.TensorInfo;
  /** Mean of the batch, `float32[C]`: output 3 of {@linkcode batchNorm}. */
  readonly 3: tf.TensorInfo;
  /** `1 / sqrt(variance + epsilon)`, `float32[C]`: output 4. */
  readonly 4: tf.TensorInfo;
}

/**
 * Normalises with the statistics of the batch.
 *
 * @returns `y float32[N, H, W, C]`; mean and unbiased variance of the batch, `float32[C]`; and for the gradient mean and inverse
 *   deviation.
 * @throws {RangeError} If scale or offset do not have one value per channel.
 */
export function batchNorm(
  backend: WasmBackend,
  { 0: x, 1: scale, 2: offset }: BatchNormInputs,
  { epsilon }: BatchNormAttrs,
): tf.TensorInfo[] {
  const { rows, channels } = sizesOf(x, [scale, offset]);
  const kernels = kernelsOf(backend);
  const y = backend.makeOutput([...x.shape], "float32");
  const perChannel = Array.from({ length: 4 }, () => backend.makeOutput([channels], "float32"));
  withScratch(backend, [channels * 8, channels * 8, channels * 4], (sums, squares, factor) => {
    const addresses = perChannel.map((each) => addressOf(backend, each));
    const from = addressOf(backend, x);
    kernels.moments(from, sums!, squares!, rows, channels);
    const values = [sums!, squares!, addressOf(backend, scale), epsilon, rows, channels];
    kernels.finishMoments(...values, ...addresses, factor!);
    kernels.normalize(
      from,
      addressOf(backend, y),
      addresses[0]!,
      factor!,
      addressOf(backend, offset),
      rows,
      channels,
    );
  });
  return [y, ...perChannel];
}

/**
 * Gradient of {@linkcode batchNorm}, through the statistics too.
 *
 *     xhat    = (x - mean) * inverse
 *     dOffset = sum dy,   dScale = sum dy * xhat
 *     dx      = scale * inverse * (dy - dOffset / NHW - xhat * dScale / NHW)
 *
 * @returns `dx float32[N, H, W, C]`, `dScale` and `dOffset float32[C]`
 * @throws {RangeError} If the shapes disagree.
 */
export function batchNormGrad(
  backend: WasmBackend,
  { 0: dy, 1: x, 2: scale, 3: mean, 4: inverse }: BatchNormGradInputs,
): tf.TensorInfo[] {
  const { rows, channels } = sizesOf(x, [scale, mean, inverse]);
  if (dy.shape.length !== x.shape.length || dy.shape.some((n, axis) => n !== x.shape[axis])) {
    throw new RangeError(
      `Cannot compute the gradient of batch norm: dy is [${dy.shape}], must be [${x.shape}]`,
    );
  }
  const kernels = kernelsOf(backend);
  const dx = backend.makeOutput([...x.shape], "float32");
  const [dScale, dOffset] = [
    backend.makeOutput([channels], "float32"),
    backend.makeOutput([channels], "float32"),
  ];
  const scratch = [channels * 8, channels * 8, channels * 4, channels * 4, channels * 4];
  withScratch(backend, scratch, (sums, products, shift, slope, factor) => {
    const [gradient, from, middle] = [dy, x, mean].map((each) => addressOf(backend, each));
    kernels.normSums(gradient!, from!, middle!, sums!, products!, rows, channels);
    kernels.finishNormSums(
      sums!,
      products!,
      addressOf(backend, inverse),
      addressOf(backend, scale),
      rows,
      channels,
      addressOf(backend, dScale),
      addressOf(backend, dOffset),
      shift!,
      slope!,
      factor!,
    );
    const to = addressOf(backend, dx);
    kernels.normInput(gradient!, from!, to, middle!, shift!, slope!, factor!, rows, channels);
  });
  return [dx, dScale, dOffset];
}

function sizesOf(
  x: tf.TensorInfo,
  perChannel: readonly tf.TensorInfo[],
): { readonly rows: number; readonly channels: number } {
  const channels = x.shape.at(-1) ?? 0;
  for (const { shape } of perChannel) {
    if (shape.length !== 1 || shape[0] !== channels) {
      throw new RangeError(`Cannot normalise: values per channel are [${shape}], must be [${channels}]`);
    }
  }
  return { rows: x.shape.slice(0, -1).reduce((a, b) => a * b, 1), channels };
}
