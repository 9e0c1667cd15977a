/**
 * Shapes: what every operation makes of the shapes of its inputs, and what it refuses.
 *
 * @module
 */
import { BATCH, type Graph, interpret, type Shape } from "./graph.ts";
import type { ConvAttrs, Id, Pair, PoolAttrs, Rules, Sliding } from "./ops.ts";

function need(holds: boolean, what: string): asserts holds {
  if (!holds) throw new RangeError(what);
}

function rank(x: Shape, wanted: number, name = "input"): void {
  need(x.length === wanted, `${name} [${x}] has rank ${x.length}, must be ${wanted}`);
}

function same(a: Shape, b: Shape, what: string): void {
  need(a.join() === b.join(), `${what} is [${a}], must be [${b}]`);
}

function perChannel(x: Shape, ...params: readonly Shape[]): Shape {
  for (const param of params) same(param, [x.at(-1)!], "per-channel parameter");
  return x;
}

/** Output side of a sliding window: `floor((side + pads - dilation * (window - 1) - 1) / stride) + 1`. */
function slide(side: number, window: number, pads: number, stride: number, dilation: number): number {
  const out = Math.floor((side + pads - dilation * (window - 1) - 1) / stride) + 1;
  need(
    out >= 1 && stride >= 1 && dilation >= 1 && pads >= 0,
    `window of ${window} does not fit into side ${side}`,
  );
  return out;
}

function slidden(x: Shape, window: Pair, attrs: Sliding, dilations: Pair, channels: number): Shape {
  rank(x, 4);
  const [top, left, bottom, right] = attrs.pads;
  return [
    x[0]!,
    slide(x[1]!, window[0], top + bottom, attrs.strides[0], dilations[0]),
    slide(x[2]!, window[1], left + right, attrs.strides[1], dilations[1]),
    channels,
  ];
}

function pooled(attrs: PoolAttrs, [x]: readonly [Shape]): Shape {
  const { window, pads } = attrs;
  need(
    pads[0] < window[0] && pads[2] < window[0] && pads[1] < window[1] && pads[3] < window[1],
    `pads [${pads}] must be smaller than the window [${window}]`,
  );
  return slidden(x, window, attrs, [1, 1], x[3]!);
}

function broadcast(_: null, [a, b]: readonly [Shape, Shape]): Shape {
  rank(b, a.length, "second input");
  return a.map((side, axis) => {
    const other = b[axis]!;
    need(
      side === other || side === 1 || other === 1,
      `shapes [${a}] and [${b}] do not stretch to each other`,
    );
    return side === 1 ? other : side;
  });
}

function resized({ size }: { readonly size: Pair }, [x]: readonly [Shape]): Shape {
  rank(x, 4);
  need(size[0] >= 1 && size[1] >= 1, `size [${size}] must be at least 1 x 1`);
  return [x[0]!, size[0], size[1], x[3]!];
}

function flattened(_: null, [x]: readonly [Shape]): Shape {
  rank(x, 4);
  return [x[0]!, x[3]!];
}

const keep = (_: unknown, [x]: readonly [Shape]): Shape => x;

/** Number of values of one batch element. */
export function elementsOf(shape: Shape): number {
  return shape.reduce((product, side) => product * (side === BATCH ? 1 : side), 1);
}

/** Output shape of every operation; a `RangeError` without context when inputs do not fit (verify adds the node). */
export const shapeRules: Rules<Shape> = {
  conv(attrs: ConvAttrs, [x, w]) {
    rank(w, 4, "filter");
    rank(x, 4);
    const { groups } = attrs;
    need(groups >= 1 && w[3]! % groups === 0, `${w[3]} filters do not split into ${groups} groups`);
    need(
      x[3] === w[2]! * groups,
      `input has ${x[3]} channels, filter [${w}] in ${groups} groups needs ${w[2]! * groups}`,
    );
    return slidden(x, [w[0]!, w[1]!], attrs, attrs.dilations, w[3]!);
  },
  depthwise(attrs, [x, w]) {
    rank(w, 4, "filter");
    rank(x, 4);
    need(x[3] === w[2], `input has ${x[3]} channels, filter [${w}] needs ${w[2]}`);
    return slidden(x, [w[0]!, w[1]!], attrs, attrs.dilations, w[2]! * w[3]!);
  },
  dense(_, [x, w, b]) {
    rank(w, 2, "weight");
    need(x.at(-1) === w[0], `input has ${x.at(-1)} features, weight [${w}] needs ${w[0]}`);
    same(b, [w[1]!], "bias");
    return [...x.slice(0, -1), w[1]!];
  },
  bias: (_, [x, b]) => perChannel(x, b),
  batchNorm: (_, [x, ...params]) => perChannel(x, ...params),
  layerNorm: (_, [x, ...params]) => perChannel(x, ...params),
  dropout({ rate }, [x]) {
    need(rate >= 0 && rate < 1, `rate is ${rate}, must be in [0, 1)`);
    return x;
  },
  relu: keep,
  relu6: keep,
  silu: keep,
  hardSwish: keep,
  hardSigmoid: keep,
  sigmoid: keep,
  tanh: keep,
  gelu: keep,
  softmax: keep,
  add: broadcast,
  mul: broadcast,
  concat({ axis }, inputs) {
    const [first] = inputs;
    need(first !== undefined, "there is nothing to join");
    need(axis >= 1 && axis < first.length, `axis is ${axis}, must be in 1 to ${first.length - 1}`);
    for (const x of inputs) {
      same(x.toSpliced(axis, 1), first.toSpliced(axis, 1), `input [${x}] without axis ${axis}`);
    }
    return first.with(axis, inputs.reduce((total, x) => total + x[axis]!, 0));
  },
  pad({ before, after }, [x]) {
    need(before.length === x.length && after.length === x.length, `pads must have ${x.length} entries`);
    need(before[0] === 0 && after[0] === 0, "the batch cannot be padded");
    return x.map((side, axis) => axis === 0 ? side : side + before[axis]! + after[axis]!);
  },
  slice({ begin, size }, [x]) {
    need(
      begin.length === x.length && size.length === x.length,
      `begin and size must have ${x.length} entries`,
    );
    need(begin[0] === 0 && size[0] === BATCH, "the batch is taken whole: begin 0, size -1");
    return x.map((side, axis) => {
      if (axis === 0) return side;
      const [from, count] = [begin[axis]!, size[axis]!];
      need(
        from >= 0 && count >= 1 && from + count <= side,
        `axis ${axis} of ${side} has no slice ${from} + ${count}`,
      );
      return count;
    });
  },
  subsample({ strides }, [x]) {
    rank(x, 4);
    return [x[0]!, Math.ceil(x[1]! / strides[0]), Math.ceil(x[2]! / strides[1]), x[3]!];
  },
  averagePool: pooled,
  maxPool: pooled,
  globalAveragePool: flattened,
  globalMaxPool: flattened,
  reshape({ shape }, [x]) {
    need(elementsOf(shape) === elementsOf(x), `[${x}] cannot be read as [${BATCH},${shape}]`);
    return [BATCH, ...shape];
  },
  transpose({ order }, [x]) {
    need(order[0] === 0, "the batch stays first");
    same(order.toSorted((a, b) => a - b), x.map((_, axis) => axis), "sorted order");
    return order.map((axis) => x[axis]!);
  },
  resizeNearest: resized,
  resizeBilinear: resized,
  resizeBicubic: resized,
  gruCell(_, [x, h, wInput, wHidden, bInput, bHidden]) {
    rank(x, 2);
    rank(h, 2, "hidden state");
    const units = h[1]!;
    same(wInput, [x[1]!, 3 * units], "input weight");
    same(wHidden, [units, 3 * units], "hidden weight");
    same(bInput, [3 * units], "input bias");
    same(bHidden, [3 * units], "hidden bias");
    return h;
  },
  matMul(_, [a, b]) {
    rank(a, 3, "left matrix");
    rank(b, 3, "right matrix");
    need(a[2] === b[1], `inner sides ${a[2]} and ${b[1]} differ`);
    return [a[0]!, a[1]!, b[2]!];
  },
  attention({ heads }, [q, k, v]) {
    rank(q, 3, "queries");
    same(v, k, "values");
    need(q[2] === k[2], `queries have ${q[2]} features, keys ${k[2]}`);
    need(q[2]! % heads === 0, `${q[2]} features do not split into ${heads} heads`);
    return q;
  },
  reduceMean({ axes }, [x]) {
    need(
      axes.every((axis) => axis >= 1 && axis < x.length),
      `axes [${axes}] must be in 1 to ${x.length - 1}`,
    );
    return x.map((side, axis) => axes.includes(axis) ? 1 : side);
  },
  branch({ body }, [gate, otherwise, ...inputs]) {
    rank(gate, 1, "gate");
    need(
      body.inputs.length === inputs.length,
      `body takes ${body.inputs.length} inputs, gets ${inputs.length}`,
    );
    need(
      body.params.length === 0 && body.outputs.length === 1,
      "body must have no parameters and one output",
    );
    body.inputs.forEach(({ id, shape }, i) => same(inputs[i]!, shape, `body input "${id}"`));
    const shapes = new Map(body.inputs.map(({ id, shape }) => [id, shape]));
    same(inferred(body, shapes).get(body.outputs[0]!.id)!, otherwise, "output of the body");
    return otherwise;
  },
};

function inferred(graph: Graph, bound: ReadonlyMap<Id, Shape>): Map<Id, Shape> {
  return interpret(graph, shapeRules, bound);
}

/** Shape of every value of a graph by id. Use `verify` first: this one does not say where it failed. */
export function inferShapes(graph: Graph): Map<Id, Shape> {
  return inferred(graph, new Map([...graph.inputs, ...graph.params].map(({ id, shape }) => [id, shape])));
}
