import { tf } from "../tf.ts";

/** Attributes shared by the four convolution gradients of tfjs. */
export interface ConvAttrs {
  readonly strides: [number, number] | number;
  /** tfjs' own gradients never set it for `Conv2DBackprop*`; the kernels here honour it. Default 1. */
  readonly dilations?: [number, number] | number;
  readonly pad: "valid" | "same" | number | tf.backend_util.ExplicitPadding;
  readonly dataFormat?: "NHWC" | "NCHW";
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** Inputs of a gradient by the input; depthwise: `O` is `I * M`, the filter `float32[KH, KW, I, M]`. */
export interface InputGradInputs {
  /** `float32[N, OH, OW, O]` */
  readonly dy: tf.TensorInfo;
  /** `float32[KH, KW, I, O]` */
  readonly filter: tf.TensorInfo;
}

/** Attributes of a gradient by the input. */
export interface InputGradAttrs extends ConvAttrs {
  /** `[N, H, W, I]` */
  readonly inputShape: readonly number[];
}

/** Inputs of a gradient by the filter; depthwise: `O` is `I * M`. */
export interface FilterGradInputs {
  /** `float32[N, H, W, I]` */
  readonly x: tf.TensorInfo;
  /** `float32[N, OH, OW, O]` */
  readonly dy: tf.TensorInfo;
}

/** Attributes of a gradient by the filter. */
export interface FilterGradAttrs extends ConvAttrs {
  /** `[KH, KW, I, O]`; depthwise: `[KH, KW, I, M]` */
  readonly filterShape: readonly number[];
}

type Shape4 = [number, number, number, number];

/**
 * Geometry of a convolution, from tfjs' own rules.
 *
 * @throws {TypeError} If the layout is not channels last.
 * @throws {RangeError} If `dy` has not the shape the rules give.
 */
export function convInfo(
  x: readonly number[],
  filter: readonly number[],
  dy: readonly number[],
  attrs: ConvAttrs,
  depthwise: boolean,
): tf.backend_util.Conv2DInfo {
  if (attrs.dataFormat === "NCHW") {
    throw new TypeError(
      "Cannot compute the gradient of a convolution on wasm: data format is NCHW, must be NHWC",
    );
  }
  const info = tf.backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    "channelsLast",
  );
  if (info.outShape.some((n, axis) => n !== dy[axis])) {
    throw new RangeError(
      `Cannot compute the gradient of a convolution: dy is [${dy}], must be [${info.outShape}]`,
    );
  }
  return info;
}

/** One axis of a convolution: `input` positions, `output` positions, `taps` of the filter. */
export interface Axis {
  readonly input: number;
  readonly output: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  /** Positions of padding before the first input. */
  readonly before: number;
}

/** The two axes of a convolution. */
export function axesOf(info: tf.backend_util.Conv2DInfo): { readonly y: Axis; readonly x: Axis } {
  return {
    y: {
      input: info.inHeight,
      output: info.outHeight,
      taps: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
    },
    x: {
      input: info.inWidth,
      output: info.outWidth,
      taps: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
    },
  };
}

/** Input positions under `count` output positions, padding included. */
export function reach(axis: Axis, count: number): number {
  return (count - 1) * axis.stride + (axis.taps - 1) * axis.dilation + 1;
}

/** Whether an axis never reads padding. */
export function inside(axis: Axis): boolean {
  return axis.before === 0 && reach(axis, axis.output) <= axis.input;
}

/**
 * Columns of padding that `dy` needs so that the tap of every input position can be read without a test: positions
 * before the first output, and the whole width.
 */
export function padOutput(axis: Axis): { readonly left: number; readonly width: number } {
  const left = Math.max(0, Math.ceil(((axis.taps - 1) * axis.dilation - axis.before) / axis.stride));
  return { left, width: left + Math.floor((axis.input - 1 + axis.before) / axis.stride) + 1 };
}

/** Whether a convolution is a product of matrices: one tap, no stride, no padding. */
export function isPointwise({ y, x }: { readonly y: Axis; readonly x: Axis }): boolean {
  return y.taps === 1 && x.taps === 1 && y.stride === 1 && x.stride === 1 && inside(y) && inside(x) &&
    y.input === y.output && x.input === x.output;
}
