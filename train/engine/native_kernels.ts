/**
 * Operations that TensorFlow has as one kernel and tfjs as several, with their gradients.
 *
 * On the native engines (`node`, `node-gpu`) each function runs the fused TensorFlow kernel; elsewhere it is composed
 * from tfjs operations with the same result, so callers need not ask which engine is open.
 *
 * Dimension key: N batch, H W pixels, h w filter taps, C I O channels, M depth multiplier.
 *
 * @module
 */
import { type Pads, type Pair, samePads } from "../../core/graph/mod.ts";
import { has, type KernelName, KERNELS, run } from "./_native_registry.ts";
import { tf } from "./tf.ts";

/** Arguments of {@linkcode fusedBatchNorm}. */
export interface BatchNormInputs {
  /** `float32[N, H, W, C]`. */
  readonly x: tf.Tensor4D;
  /** `float32[C]`. */
  readonly scale: tf.Tensor1D;
  /** `float32[C]`. */
  readonly offset: tf.Tensor1D;
  /** Added to the (biased) variance before the root. */
  readonly epsilon: number;
  /** Whether `max(y, 0)` is wanted instead of `y`. @default false */
  readonly rectified?: boolean;
}

/** Batch normalisation over N, H and W with the statistics of this batch. */
export interface BatchNormOutputs {
  /** `float32[N, H, W, C]`, normalised, scaled and shifted, rectified where that was asked for. */
  readonly y: tf.Tensor4D;
  /** `float32[C]`; a number for running statistics: do not differentiate through it. */
  readonly batchMean: tf.Tensor1D;
  /** `float32[C]`, unbiased (divided by `N*H*W - 1`), as running statistics take it; do not differentiate through it. */
  readonly batchVariance: tf.Tensor1D;
}

/**
 * Training-mode batch normalisation; differentiable in `x`, `scale` and `offset`.
 *
 *     y = (x - mean) / sqrt(var + epsilon) * scale + offset,   var over N, H, W, biased
 *
 * Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167. Native: `FusedBatchNormV3`, `FusedBatchNormGradV3`, and oneDNN's
 * `_MklNativeFusedBatchNormEx` where the result is rectified.
 */
export function fusedBatchNorm(inputs: BatchNormInputs): BatchNormOutputs {
  const { x, scale, offset, epsilon, rectified = false } = inputs;
  if (rectified && !has(KERNELS.batchNormRelu)) {
    return tidyRecord(() => {
      const { y, ...statistics } = fusedBatchNorm({ ...inputs, rectified: false });
      return { y: reluFast(y), ...statistics };
    });
  }
  const kernel = rectified ? KERNELS.batchNormRelu : KERNELS.batchNorm;
  if (has(kernel)) {
    return tidyRecord(() => {
      const [y, batchMean, batchVariance] = run<[tf.Tensor4D, tf.Tensor1D, tf.Tensor1D]>(
        kernel,
        [x, scale, offset],
        { epsilon },
      );
      return { y, batchMean, batchVariance };
    });
  }
  return tidyRecord(() => {
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const [batchMean, biased] = [mean as tf.Tensor1D, variance as tf.Tensor1D];
    const y = tf.batchNorm(x, batchMean, biased, offset, scale, epsilon);
    const count = x.size / scale.size;
    return { y, batchMean, batchVariance: tf.mul(biased, count / Math.max(1, count - 1)) };
  });
}

/** Whether the open engine has batch norm and rectifier as one kernel. */
export function hasRectifiedBatchNorm(): boolean {
  return has(KERNELS.batchNormRelu);
}

/** `tf.tidy` for an interface that is a record of tensors. */
function tidyRecord(compute: () => BatchNormOutputs): BatchNormOutputs {
  return tf.tidy(compute as unknown as () => tf.NamedTensorMap) as unknown as BatchNormOutputs;
}

/**
 * `max(x, 0)`, any shape, whose gradient is one kernel instead of two.
 *
 * Native: `ReluGrad` on the output, so that the input need not be kept.
 */
export function reluFast<T extends tf.Tensor>(x: T): T {
  return has(KERNELS.relu) ? run<[T]>(KERNELS.relu, [x], {})[0] : tf.relu(x);
}

/** `min(max(x, 0), 6)`, any shape, with a one-kernel gradient. Native: `Relu6Grad`. */
export function relu6Fast<T extends tf.Tensor>(x: T): T {
  return has(KERNELS.relu6) ? run<[T]>(KERNELS.relu6, [x], {})[0] : tf.relu6(x);
}

/** `float32[N, ..., C]` plus `float32[C]`. Native: `BiasAdd`, `BiasAddGrad`. */
export function addBias<T extends tf.Tensor>(x: T, bias: tf.Tensor1D): T {
  return has(KERNELS.bias) && x.rank > 1 ? run<[T]>(KERNELS.bias, [x, bias], {})[0] : tf.add(x, bias);
}

/** Arguments of {@linkcode convolve} and {@linkcode convolveDepthwise}. */
export interface ConvolutionInputs {
  /** `float32[N, H, W, I]`. */
  readonly x: tf.Tensor4D;
  /** `float32[h, w, I, O]`; depthwise: `float32[h, w, I, M]`. */
  readonly filter: tf.Tensor4D;
  /** Step in pixels: vertical, horizontal. */
  readonly strides: Pair;
  /** Zeros added around the picture in pixels: top, left, bottom, right. */
  readonly pads: Pads;
}

/**
 * Cross-correlation with any zero border, without the padded copy tfjs needs; differentiable in `x` and `filter`.
 *
 * Native: `Conv2D`, `Conv2DBackpropInput`, `Conv2DBackpropFilter`. No groups and no dilation: TensorFlow has no
 * gradient for them on processors.
 *
 * @returns `float32[N, H', W', O]`
 */
export function convolve(inputs: ConvolutionInputs): tf.Tensor4D {
  return slide(inputs, has(KERNELS.conv) ? KERNELS.conv : undefined, tf.conv2d);
}

/**
 * Depthwise cross-correlation: channel `c * M + m` of the result reads channel `c`; otherwise as {@linkcode convolve}.
 *
 * Native: `DepthwiseConv2dNative` and its two gradients.
 *
 * @returns `float32[N, H', W', I * M]`
 */
export function convolveDepthwise(inputs: ConvolutionInputs): tf.Tensor4D {
  const [vertical, horizontal] = inputs.strides;
  // The native kernel takes one stride for both directions.
  const fused = has(KERNELS.depthwise) && vertical === horizontal;
  return slide(inputs, fused ? KERNELS.depthwise : undefined, tf.depthwiseConv2d);
}

/** By a kernel of ours, or by tfjs where there is none. */
function slide(
  inputs: ConvolutionInputs,
  kernel: KernelName | undefined,
  otherwise: typeof tf.conv2d | typeof tf.depthwiseConv2d,
): tf.Tensor4D {
  return tf.tidy(() => {
    const { x, filter, strides, pads, padding } = placed(inputs, kernel !== undefined);
    const steps = [...strides] as [number, number];
    return kernel === undefined
      ? otherwise(x, filter, steps, "valid")
      : run<[tf.Tensor4D]>(kernel, [x, filter], { strides: steps, pads: [...pads], padding })[0];
  });
}

/** TensorFlow's name of a border; `BORDER` where it has none. */
type Padding = "VALID" | "SAME" | "BORDER";

/**
 * A convolution whose border its kernel adds itself. Ours on wasm add any; TensorFlow's add the two that have names fast, any
 * other one (`EXPLICIT`) with gradients that take two to four times as long: there, and where there is no kernel, zeros are put
 * around the picture before.
 */
function placed(
  inputs: ConvolutionInputs,
  fused: boolean,
): ConvolutionInputs & { readonly padding: Padding } {
  const padding = paddingOf(inputs);
  const ready = padding === "VALID" || (fused && (padding === "SAME" || tf.getBackend() === "wasm"));
  if (ready) return { ...inputs, padding };
  return { ...inputs, x: bordered(inputs), pads: [0, 0, 0, 0], padding: "VALID" };
}

function paddingOf({ x, filter, strides, pads }: ConvolutionInputs): Padding {
  if (pads.every((pad) => pad === 0)) return "VALID";
  const [, height, width] = x.shape;
  const [top, , bottom] = samePads([height, width], [filter.shape[0], filter.shape[1]], strides[0]);
  const [, left, , right] = samePads([height, width], [filter.shape[0], filter.shape[1]], strides[1]);
  return [top, left, bottom, right].join() === pads.join() ? "SAME" : "BORDER";
}

/** The picture with zeros around it, but for rows and columns behind the last window. */
function bordered({ x, filter, strides, pads }: ConvolutionInputs): tf.Tensor4D {
  const after = (axis: 0 | 1): number => {
    const [size, before, taps] = [x.shape[axis + 1]!, pads[axis], filter.shape[axis]!];
    const steps = Math.floor((size + before + pads[axis + 2]! - taps) / strides[axis]);
    return Math.max(0, steps * strides[axis] + taps - size - before);
  };
  return tf.pad4d(x, [[0, 0], [pads[0], after(0)], [pads[1], after(1)], [0, 0]]);
}

/** Arguments of {@linkcode largest}. */
export interface MaxPoolInputs {
  /** `float32[N, H, W, C]`. */
  readonly x: tf.Tensor4D;
  /** Height and width of the window in pixels. */
  readonly window: Pair;
  /** Step in pixels: vertical, horizontal. */
  readonly strides: Pair;
}

/**
 * The largest value under every window, without a border; differentiable in `x`, to the first of equal values.
 *
 * Native: oneDNN's `_MklNativeMaxPool`, which remembers where the values were; TensorFlow's own gradient looks for them again and
 * takes twenty times as long.
 *
 * @returns `float32[N, H', W', C]`
 */
export function largest({ x, window, strides }: MaxPoolInputs): tf.Tensor4D {
  const [sides, steps] = [[...window] as [number, number], [...strides] as [number, number]];
  if (!has(KERNELS.maxPool)) return tf.maxPool(x, sides, steps, "valid");
  return tf.tidy(() =>
    run<[tf.Tensor4D, tf.Tensor]>(KERNELS.maxPool, [x], { window: sides, strides: steps })[0]
  );
}

/** Arguments of {@linkcode softmaxCrossEntropy}. */
export interface CrossEntropyInputs {
  /** `float32[N, C]`. */
  readonly logits: tf.Tensor2D;
  /** `int32[N]`, classes in `[0, C)`, or `float32[N, C]`, probabilities. No gradient flows to them. */
  readonly labels: tf.Tensor1D | tf.Tensor2D;
}

/**
 * Cross-entropy per sample, stable for large logits; differentiable in `logits`.
 *
 *     loss[n] = -sum over c of labels[n, c] * log softmax(logits)[n, c]
 *
 * Native: `SparseSoftmaxCrossEntropyWithLogits` or `SoftmaxCrossEntropyWithLogits`, which compute the gradient on the way.
 *
 * @returns `float32[N]`
 */
export function softmaxCrossEntropy({ logits, labels }: CrossEntropyInputs): tf.Tensor1D {
  const kernel = labels.rank === 1 ? KERNELS.sparseCrossEntropy : KERNELS.crossEntropy;
  if (has(kernel)) return tf.tidy(() => run<[tf.Tensor1D, tf.Tensor2D]>(kernel, [logits, labels], {})[0]);
  return tf.tidy(() => {
    const wanted = labels.rank === 1 ? tf.oneHot(labels, logits.shape[1]) : labels;
    return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), wanted), 1));
  });
}
