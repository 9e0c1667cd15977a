/**
 * Convolutions with any zero border for the wasm backend, under the names of the native kernels: the backend's own forward
 * pass and the gradients of this folder, without the padded copy and its slice on the way back.
 *
 * Dimension key: N batch, H W pixels, h w filter taps, I O channels, M depth multiplier.
 */

import type { Pads, Pair } from "../../../core/graph/mod.ts";
import { tf } from "../tf.ts";
import { conv2dBackpropFilter } from "./_conv2d_filter.ts";
import { conv2dBackpropInput } from "./_conv2d_input.ts";
import type { ConvAttrs } from "./_conv_info.ts";
import { depthwiseBackpropFilter } from "./_depthwise_filter.ts";
import { depthwiseBackpropInput } from "./_depthwise_input.ts";
import type { WasmBackend } from "./_module.ts";

/** Inputs in the order of `run`: `x` and the filter, the filter and `dy`, or `x` and `dy`. */
export interface PairInputs {
  readonly 0: tf.TensorInfo;
  readonly 1: tf.TensorInfo;
}

/** Attributes of the forward pass. */
export interface BorderAttrs {
  /** Vertical, horizontal. */
  readonly strides: Pair;
  /** Zeros around the picture: top, left, bottom, right. */
  readonly pads: Pads;
}

/** Attributes of a gradient. */
export interface BorderGradAttrs extends BorderAttrs {
  /** Shape of the result. */
  readonly shape: readonly number[];
}

type Kernel<Attrs> = (backend: WasmBackend, inputs: PairInputs, attrs: Attrs) => tf.TensorInfo[];

/** A convolution and its gradients. */
export interface Convolution {
  /** `x` and the filter to `y`. */
  readonly forward: Kernel<BorderAttrs>;
  /** The filter and `dy` to `dx`. */
  readonly inputGrad: Kernel<BorderGradAttrs>;
  /** `x` and `dy` to the gradient of the filter. */
  readonly filterGrad: Kernel<BorderGradAttrs>;
}

function attrsOf({ strides, pads: [top, left, bottom, right] }: BorderAttrs): ConvAttrs {
  return {
    strides: [...strides],
    pad: [[0, 0], [top, bottom], [left, right], [0, 0]],
    dataFormat: "NHWC",
    dilations: 1,
  };
}

/** Of tfjs's forward kernel and the gradients of this folder. */
function convolution(
  kernelName: string,
  byInput: typeof conv2dBackpropInput,
  byFilter: typeof conv2dBackpropFilter,
): Convolution {
  const { kernelFunc } = tf.getKernel(kernelName, "wasm");
  return {
    forward: (backend, { 0: x, 1: filter }, attrs) => [
      kernelFunc({
        inputs: { x, filter },
        attrs: attrsOf(attrs) as unknown as tf.NamedAttrMap,
        backend,
      }) as tf.TensorInfo,
    ],
    inputGrad: (backend, { 0: filter, 1: dy }, attrs) => [
      byInput(backend, { dy, filter }, { ...attrsOf(attrs), inputShape: attrs.shape }),
    ],
    filterGrad: (backend, { 0: x, 1: dy }, attrs) => [
      byFilter(backend, { x, dy }, { ...attrsOf(attrs), filterShape: attrs.shape }),
    ],
  };
}

/** `float32[N, H, W, I]` and `float32[h, w, I, O]` to `float32[N, H', W', O]`, and back. */
export function fullConvolution(): Convolution {
  return convolution(tf.Conv2D, conv2dBackpropInput, conv2dBackpropFilter);
}

/** `float32[N, H, W, I]` and `float32[h, w, I, M]` to `float32[N, H', W', I * M]`, and back. */
export function depthwiseConvolution(): Convolution {
  return convolution(tf.DepthwiseConv2dNative, depthwiseBackpropInput, depthwiseBackpropFilter);
}
