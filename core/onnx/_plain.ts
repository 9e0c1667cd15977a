/**
 * Rules of operations that are the same for every rank: pointwise functions, sums, joins, cuts.
 *
 * @module
 */
import type { Shape } from "../graph/mod.ts";
import { type Attribute, float, int, ints } from "./_proto.ts";
import type { Emit } from "./_image.ts";
import { arranged, axisIn, common, held, type Layout, type Scope, type Value } from "./_scope.ts";

/** Writes the nodes of a function of one number; `step` names and writes one intermediate or, last, the result. */
type Steps = (
  x: string,
  step: (op: string, inputs: readonly string[], part?: string, attrs?: Record<string, Attribute>) => string,
  to: Scope,
) => string;

/** A function of every number by itself, in whichever layout the value is. */
export function pointwise(x: Value, steps: Steps): Emit {
  return (to, out) => {
    const layout = common([x]);
    const shape = arranged(out, layout);
    const name = steps(
      to.get(x, layout),
      (op, inputs, part, attrs = {}) => to.emit(op, inputs, shape, attrs, part),
      to,
    );
    return held(out, name, layout);
  };
}

/** A function that ONNX has under one name. */
export function named(op: string, x: Value, attrs: Record<string, Attribute> = {}): Emit {
  return pointwise(x, (name, step) => step(op, [name], undefined, attrs));
}

/** `x / 2 * (1 + erf(x / sqrt(2)))`; ONNX has it from operator set 20 on. */
export function gelu(x: Value): Emit {
  return pointwise(x, (name, step, to) => {
    const scaled = step("Mul", [name, to.scalar(Math.SQRT1_2)], "scaled");
    const raised = step("Add", [step("Erf", [scaled], "erf"), to.scalar(1)], "raised");
    return step("Mul", [step("Mul", [name, raised], "doubled"), to.scalar(0.5)]);
  });
}

/** A sum or product of two values. */
export function binary(op: "Add" | "Mul", a: Value, b: Value): Emit {
  return (to, out) => {
    const layout = common([a, b]);
    return held(out, to.emit(op, [to.get(a, layout), to.get(b, layout)], arranged(out, layout)), layout);
  };
}

/** One number per channel: part of the convolution before it where nobody else reads that, else a sum. */
export function bias(x: Value, b: Value): Emit {
  return (to, out) => {
    const [tensor] = x.names.values();
    const maker = tensor === undefined ? undefined : to.maker(tensor);
    if (x.sole === true && maker?.opType === "Conv" && maker.input.length === 2) {
      maker.input.push(to.param(b));
      return x;
    }
    const layout = common([x]);
    const channels = b.shape[0]!;
    const shape: Shape = layout === "nchw" ? [1, channels, 1, 1] : [channels];
    return held(
      out,
      to.emit("Add", [to.get(x, layout), to.param(b, undefined, shape)], arranged(out, layout)),
      layout,
    );
  };
}

/** Over the last axis, wherever that is. */
export function softmax(x: Value): Emit {
  return (to, out) => {
    const layout = common([x]);
    const axis = axisIn(layout, out.length - 1);
    return held(
      out,
      to.emit("Softmax", [to.get(x, layout)], arranged(out, layout), { axis: int(axis) }),
      layout,
    );
  };
}

/** Over the last axis; the operator wants it last. */
export function layerNorm(epsilon: number, x: Value, scale: Value, offset: Value): Emit {
  return (to, out) =>
    held(
      out,
      to.emit("LayerNormalization", [to.get(x), to.param(scale), to.param(offset)], out, {
        axis: int(-1),
        epsilon: float(epsilon),
      }),
    );
}

/** Values joined along an axis. */
export function concat(axis: number, inputs: readonly Value[]): Emit {
  return (to, out) => {
    const layout = common(inputs);
    const names = inputs.map((x) => to.get(x, layout));
    const attrs = { axis: int(axisIn(layout, axis)) };
    return held(out, to.emit("Concat", names, arranged(out, layout), attrs), layout);
  };
}

/** A constant border. */
export function pad(before: readonly number[], after: readonly number[], value: number, x: Value): Emit {
  return (to, out) => {
    const layout = common([x]);
    const pads = to.vector([...arranged(before, layout), ...arranged(after, layout)]);
    return held(
      out,
      to.emit("Pad", [to.get(x, layout), pads, to.scalar(value)], arranged(out, layout)),
      layout,
    );
  };
}

/** A box of the value. */
export function slice(begin: readonly number[], size: readonly number[], x: Value): Emit {
  return (to, out) => {
    const axes = out.map((_, axis) => axis).filter((axis) => axis > 0 && size[axis] !== x.shape[axis]);
    if (axes.length === 0) return x;
    const layout: Layout = common([x]);
    const name = to.emit("Slice", [
      to.get(x, layout),
      to.vector(axes.map((axis) => begin[axis]!)),
      to.vector(axes.map((axis) => begin[axis]! + size[axis]!)),
      to.vector(axes.map((axis) => axisIn(layout, axis))),
    ], arranged(out, layout));
    return held(out, name, layout);
  };
}

/** The same numbers in another shape. ONNX: 0 keeps the batch as it is. */
export function reshape(shape: readonly number[], x: Value): Emit {
  return (to, out) => held(out, to.emit("Reshape", [to.get(x), to.vector([0, ...shape])], out));
}

/** Other order of axes. */
export function transpose(order: readonly number[], x: Value): Emit {
  return (to, out) => held(out, to.emit("Transpose", [to.get(x)], out, { perm: ints(order) }));
}

/** Mean over axes, kept as sides of 1. */
export function reduceMean(axes: readonly number[], x: Value): Emit {
  return (to, out) => {
    const layout = common([x]);
    const places = axes.map((axis) => axisIn(layout, axis)).toSorted((a, b) => a - b);
    return held(out, to.reduce("ReduceMean", to.get(x, layout), places, arranged(out, layout), 1), layout);
  };
}
