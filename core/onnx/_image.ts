/**
 * Rules of operations on images: convolution, pooling, resampling.
 *
 * @module
 */
import { type Tensor, tensor } from "../tensor.ts";
import type { Pads, Pair, PoolAttrs, ResizeAttrs, Shape, Sliding } from "../graph/mod.ts";
import { type Attribute, float, int, ints, text } from "./_proto.ts";
import { arranged, axisIn, common, held, type Scope, type Value } from "./_scope.ts";

/** What a rule answers: given where to write and the shape of the result, the result. */
export type Emit = (to: Scope, out: Shape) => Value;

function nchw(
  to: Scope,
  out: Shape,
  op: string,
  inputs: readonly string[],
  attrs: Record<string, Attribute>,
): Value {
  return held(out, to.emit(op, inputs, arranged(out, "nchw"), attrs), "nchw");
}

function sliding(attrs: Sliding & { readonly pads: Pads }, window: Pair): Record<string, Attribute> {
  return { kernel_shape: ints(window), strides: ints(attrs.strides), pads: ints(attrs.pads) };
}

/** Filters `[h,w,I,O]` become `[O,I,h,w]`. */
export function conv(
  attrs: Sliding & { readonly dilations: Pair; readonly groups: number },
  x: Value,
  w: Value,
): Emit {
  return (to, out) =>
    nchw(to, out, "Conv", [to.get(x, "nchw"), to.param(w, [3, 2, 0, 1])], {
      ...sliding(attrs, [w.shape[0]!, w.shape[1]!]),
      dilations: ints(attrs.dilations),
      group: int(attrs.groups),
    });
}

/** Filters `[h,w,C,M]` become `[C*M,1,h,w]` in C groups. */
export function depthwise(attrs: Sliding & { readonly dilations: Pair }, x: Value, w: Value): Emit {
  return (to, out) => {
    const [h, width, c, m] = w.shape as [number, number, number, number];
    return nchw(to, out, "Conv", [to.get(x, "nchw"), to.param(w, [2, 3, 0, 1], [c * m, 1, h, width])], {
      ...sliding(attrs, [h, width]),
      dilations: ints(attrs.dilations),
      group: int(c),
    });
  };
}

/** Windows; padding never takes part, neither in the mean nor in the maximum. */
export function pool(op: "AveragePool" | "MaxPool", attrs: PoolAttrs, x: Value): Emit {
  return (to, out) =>
    nchw(to, out, op, [to.get(x, "nchw")], {
      ...sliding(attrs, attrs.window),
      ...(op === "AveragePool" ? { count_include_pad: int(0) } : {}),
    });
}

/** Pooling over all pixels, in whichever layout the value is. */
export function globalPool(op: "ReduceMean" | "ReduceMax", x: Value): Emit {
  return (to, out) => {
    const layout = common([x]);
    const axes = [1, 2].map((axis) => axisIn(layout, axis));
    return held(out, to.reduce(op, to.get(x, layout), axes, out, 0));
  };
}

/** Per-channel affine map with the running statistics. */
export function batchNorm(epsilon: number, x: Value, params: readonly Value[]): Emit {
  return (to, out) => {
    const names = params.map((param) => to.param(param));
    if (out.length !== 4 && out.length !== 2) {
      // The operator wants channels second: elsewhere the map is written out, with scale / deviation computed in the model.
      const [scale, offset, mean, variance] = names as [string, string, string, string];
      const channels = [out.at(-1)!];
      const shifted = to.emit("Add", [variance, to.scalar(epsilon)], channels, {}, "shifted");
      const deviation = to.emit("Sqrt", [shifted], channels, {}, "deviation");
      const factor = to.emit("Div", [scale, deviation], channels, {}, "factor");
      const centred = to.emit("Sub", [to.get(x), mean], out, {}, "centred");
      const scaled = to.emit("Mul", [centred, factor], out, {}, "scaled");
      return held(out, to.emit("Add", [scaled, offset], out));
    }
    const layout = out.length === 4 ? "nchw" : "nhwc";
    const name = to.emit("BatchNormalization", [to.get(x, layout), ...names], arranged(out, layout), {
      epsilon: float(epsilon),
    });
    return held(out, name, layout);
  };
}

/** Rows and columns picked by index: exact, where the coordinate arithmetic of `Resize` rounds in float32. */
export function resizeNearest(size: Pair, x: Value): Emit {
  return (to, out) => {
    const layout = common([x]);
    let name = to.get(x, layout);
    let shape = x.shape;
    for (const axis of [1, 2] as const) {
      const [from, count] = [x.shape[axis]!, size[axis - 1]!];
      const indices = Array.from({ length: count }, (_, i) => Math.floor(i * from / count));
      shape = shape.with(axis, count);
      name = to.emit("Gather", [name, to.vector(indices)], arranged(shape, layout), {
        axis: int(axisIn(layout, axis)),
      }, axis === 1 ? "rows" : undefined);
    }
    return held(out, name, layout);
  };
}

/** The wanted size has the batch in it, which is only known when the model runs. */
export function resizeBilinear({ size, alignCorners }: ResizeAttrs, x: Value): Emit {
  return (to, out) => {
    const input = to.get(x, "nchw");
    const batch = to.emit("Shape", [input], null, { start: int(0), end: int(1) }, "batch");
    const sizes = to.emit(
      "Concat",
      [batch, to.vector([x.shape[3]!, ...size])],
      null,
      { axis: int(0) },
      "sizes",
    );
    return nchw(to, out, "Resize", [input, "", "", sizes], {
      mode: text("linear"),
      coordinate_transformation_mode: text(alignCorners === 1 ? "align_corners" : "half_pixel"),
    });
  };
}

/** Products with one matrix of weights per axis: ONNX Runtime refuses to make images smaller with `Resize` in cubic mode. */
export function resizeBicubic({ size, alignCorners }: ResizeAttrs, x: Value): Emit {
  return (to, out) => {
    const input = to.get(x, "nchw");
    const [, height, width, channels] = x.shape as readonly [number, number, number, number];
    const rows = to.table(`${to.label}/row weights`, cubicWeights(height, size[0], alignCorners, true));
    const columns = to.table(
      `${to.label}/column weights`,
      cubicWeights(width, size[1], alignCorners, false),
    );
    const half = to.emit("MatMul", [rows, input], [out[0]!, channels, size[0], width], {}, "rows");
    return nchw(to, out, "MatMul", [half, columns], {});
  };
}

/** Keys 1981 with a = -0.75, taps beyond the border read the border; `[count, from]`, or its transpose. */
function cubicWeights(from: number, count: number, alignCorners: 0 | 1, targetFirst: boolean): Tensor {
  const weights = new Float64Array(from * count);
  for (let i = 0; i < count; i++) {
    const corner = count === 1 ? 0 : i * (from - 1) / (count - 1);
    const position = alignCorners === 1 ? corner : (i + 0.5) * from / count - 0.5;
    for (let tap = Math.floor(position) - 1; tap <= Math.floor(position) + 2; tap++) {
      const source = Math.min(Math.max(tap, 0), from - 1);
      weights[targetFirst ? i * from + source : source * count + i]! += cubic(Math.abs(position - tap));
    }
  }
  return tensor(targetFirst ? [count, from] : [from, count], Float32Array.from(weights));
}

function cubic(d: number): number {
  const a = -0.75;
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
}

/** One row and column of every few. */
export function subsample(strides: Pair, x: Value): Emit {
  return (to, out) => {
    const layout = common([x]);
    const axes = [1, 2].map((axis) => axisIn(layout, axis));
    const name = to.emit("Slice", [
      to.get(x, layout),
      to.vector([0, 0]),
      // Past any end: the operator clamps.
      to.vector([INT_MAX, INT_MAX]),
      to.vector(axes),
      to.vector(strides),
    ], arranged(out, layout));
    return held(out, name, layout);
  };
}

const INT_MAX = 2 ** 31 - 1;
