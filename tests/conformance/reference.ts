/**
 * What every operation means, in float64 and in the plainest loops there are. Slow on purpose: every other interpreter is
 * compared with this one, forward and (by finite differences) backward.
 *
 * @module
 */
import {
  type Graph,
  interpret,
  type Pair,
  type PoolAttrs,
  type ResizeAttrs,
  type Rules,
  type Sliding,
} from "../../core/graph/mod.ts";
import { type Named, sizeOf, type Tensor } from "../../core/tensor.ts";

/** A dense row-major array of doubles. */
export interface Doubles {
  /** Length of every axis, the batch as a number. */
  readonly shape: readonly number[];
  /** Values, last axis fastest. */
  readonly data: Float64Array;
}

type Index = readonly number[];

/** An array by what stands at every index. */
function make(shape: readonly number[], value: (index: Index) => number): Doubles {
  const data = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** The value at an index; sides of 1 stretch. */
function at({ shape, data }: Doubles, index: Index): number {
  let offset = 0;
  shape.forEach((side, axis) => offset = offset * side + (side === 1 ? 0 : index[axis]!));
  return data[offset]!;
}

function sum(count: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

const map = (x: Doubles, f: (value: number) => number): Doubles => ({ shape: x.shape, data: x.data.map(f) });
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const hardSigmoid = (x: number): number => Math.min(Math.max(x / 6 + 0.5, 0), 1);
const last = (index: Index): number => index[index.length - 1]!;

/** `2 / sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (2n+1)!!`: all terms have one sign, so nothing cancels. */
export function erf(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total) && n < 500; n++) {
    term *= 2 * x * x / (2 * n + 1);
    total += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * total;
}

function windows(x: Doubles, window: Pair, attrs: Sliding, dilations: Pair): [height: number, width: number] {
  const [top, left, bottom, right] = attrs.pads;
  const side = (axis: 0 | 1, pads: number): number =>
    Math.floor((x.shape[axis + 1]! + pads - dilations[axis] * (window[axis] - 1) - 1) / attrs.strides[axis]) +
    1;
  return [side(0, top + bottom), side(1, left + right)];
}

/** Value of a pixel, or `undefined` outside the image. */
function pixel(x: Doubles, n: number, row: number, column: number, channel: number): number | undefined {
  const inside = row >= 0 && row < x.shape[1]! && column >= 0 && column < x.shape[2]!;
  return inside ? at(x, [n, row, column, channel]) : undefined;
}

function pooled(attrs: PoolAttrs, x: Doubles, reduce: (inside: readonly number[]) => number): Doubles {
  const [height, width] = windows(x, attrs.window, attrs, [1, 1]);
  return make([x.shape[0]!, height, width, x.shape[3]!], ([n, row, column, c]) => {
    const inside: number[] = [];
    for (let i = 0; i < attrs.window[0]; i++) {
      for (let j = 0; j < attrs.window[1]; j++) {
        const value = pixel(
          x,
          n!,
          row! * attrs.strides[0] - attrs.pads[0] + i,
          column! * attrs.strides[1] - attrs.pads[1] + j,
          c!,
        );
        if (value !== undefined) inside.push(value);
      }
    }
    return reduce(inside);
  });
}

/** Where pixel `i` of `count` lies in a side of `from` pixels. */
function source(i: number, from: number, count: number, alignCorners: 0 | 1): number {
  if (alignCorners === 1) return count === 1 ? 0 : i * (from - 1) / (count - 1);
  return (i + 0.5) * from / count - 0.5;
}

/** Keys 1981, a = -0.75. */
function keys(x: number): number {
  const [a, d] = [-0.75, Math.abs(x)];
  if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
  return d < 2 ? a * (d ** 3 - 5 * d ** 2 + 8 * d - 4) : 0;
}

const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);

/** Separable resampling: every output pixel is a weighted sum of taps of each axis. */
function resized(
  { size, alignCorners }: ResizeAttrs,
  x: Doubles,
  taps: (position: number, from: number) => readonly (readonly [index: number, weight: number])[],
): Doubles {
  const [, height, width] = x.shape as [number, number, number, number];
  return make([x.shape[0]!, size[0], size[1], x.shape[3]!], ([n, row, column, c]) => {
    const across = taps(source(column!, width, size[1], alignCorners), width);
    const down = taps(source(row!, height, size[0], alignCorners), height);
    return sum(down.length, (i) => {
      const [y, weight] = down[i]!;
      return weight * sum(across.length, (j) => across[j]![1] * at(x, [n!, y, across[j]![0], c!]));
    });
  });
}

function softmax(x: Doubles): Doubles {
  const width = x.shape.at(-1)!;
  return make(x.shape, (index) => {
    const row = Array.from({ length: width }, (_, i) => at(x, index.with(-1, i)));
    const top = Math.max(...row);
    return Math.exp(row[last(index)]! - top) / sum(width, (i) => Math.exp(row[i]! - top));
  });
}

function matMul(a: Doubles, b: Doubles): Doubles {
  return make(
    [a.shape[0]!, a.shape[1]!, b.shape[2]!],
    ([n, row, column]) => sum(a.shape[2]!, (k) => at(a, [n!, row!, k]) * at(b, [n!, k, column!])),
  );
}

function normalized(
  x: Doubles,
  scale: Doubles,
  offset: Doubles,
  epsilon: number,
  moments: (index: Index) => readonly [mean: number, variance: number],
): Doubles {
  return make(x.shape, (index) => {
    const [mean, variance] = moments(index);
    const c = last(index);
    return (at(x, index) - mean) / Math.sqrt(variance + epsilon) * scale.data[c]! + offset.data[c]!;
  });
}

function momentsOf(values: readonly number[]): readonly [mean: number, variance: number] {
  const mean = sum(values.length, (i) => values[i]!) / values.length;
  return [mean, sum(values.length, (i) => (values[i]! - mean) ** 2) / values.length];
}

function broadcast(a: Doubles, b: Doubles, f: (a: number, b: number) => number): Doubles {
  const shape = a.shape.map((side, axis) => side === 1 ? b.shape[axis]! : side);
  return make(shape, (index) => f(at(a, index), at(b, index)));
}

function flatPool(x: Doubles, reduce: (values: readonly number[]) => number): Doubles {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  return make([batch, channels], ([n, c]) =>
    reduce(
      Array.from({ length: height * width }, (_, i) => at(x, [n!, Math.floor(i / width), i % width, c!])),
    ));
}

/** Everything outside training. */
export const referenceRules: Rules<Doubles> = {
  conv(attrs, [x, w]) {
    const { strides, pads, dilations, groups } = attrs;
    const [h, width, inputs, outputs] = w.shape as [number, number, number, number];
    const [rows, columns] = windows(x, [h, width], attrs, dilations);
    return make([x.shape[0]!, rows, columns, outputs], ([n, row, column, o]) => {
      const first = Math.floor(o! / (outputs / groups)) * inputs;
      return sum(h, (i) =>
        sum(width, (j) =>
          sum(inputs, (c) =>
            at(w, [i, j, c, o!]) * (pixel(
              x,
              n!,
              row! * strides[0] - pads[0] + i * dilations[0],
              column! * strides[1] - pads[1] + j * dilations[1],
              first + c,
            ) ?? 0))));
    });
  },
  depthwise(attrs, [x, w]) {
    const { strides, pads, dilations } = attrs;
    const [h, width, channels, multiplier] = w.shape as [number, number, number, number];
    const [rows, columns] = windows(x, [h, width], attrs, dilations);
    return make([x.shape[0]!, rows, columns, channels * multiplier], ([n, row, column, o]) => {
      const c = Math.floor(o! / multiplier);
      return sum(h, (i) =>
        sum(width, (j) =>
          at(w, [i, j, c, o! % multiplier]) * (pixel(
            x,
            n!,
            row! * strides[0] - pads[0] + i * dilations[0],
            column! * strides[1] - pads[1] + j * dilations[1],
            c,
          ) ?? 0)));
    });
  },
  dense: (_, [x, w, b]) =>
    make([...x.shape.slice(0, -1), w.shape[1]!], (index) =>
      b.data[last(index)]! +
      sum(w.shape[0]!, (i) => at(x, index.with(-1, i)) * at(w, [i, last(index)]))),
  bias: (_, [x, b]) => make(x.shape, (index) => at(x, index) + b.data[last(index)]!),
  batchNorm: ({ epsilon }, [x, scale, offset, mean, variance]) =>
    normalized(x, scale, offset, epsilon, (index) => [mean.data[last(index)]!, variance.data[last(index)]!]),
  layerNorm: ({ epsilon }, [x, scale, offset]) =>
    normalized(
      x,
      scale,
      offset,
      epsilon,
      (index) => momentsOf(Array.from({ length: x.shape.at(-1)! }, (_, c) => at(x, index.with(-1, c)))),
    ),
  dropout: (_, [x]) => x,
  relu: (_, [x]) => map(x, (v) => Math.max(v, 0)),
  relu6: (_, [x]) => map(x, (v) => Math.min(Math.max(v, 0), 6)),
  silu: (_, [x]) => map(x, (v) => v * sigmoid(v)),
  hardSwish: (_, [x]) => map(x, (v) => v * hardSigmoid(v)),
  hardSigmoid: (_, [x]) => map(x, hardSigmoid),
  sigmoid: (_, [x]) => map(x, sigmoid),
  tanh: (_, [x]) => map(x, Math.tanh),
  gelu: (_, [x]) => map(x, (v) => v / 2 * (1 + erf(v / Math.SQRT2))),
  softmax: (_, [x]) => softmax(x),
  add: (_, [a, b]) => broadcast(a, b, (p, q) => p + q),
  mul: (_, [a, b]) => broadcast(a, b, (p, q) => p * q),
  concat({ axis }, inputs) {
    const [first] = inputs;
    const length = sum(inputs.length, (i) => inputs[i]!.shape[axis]!);
    return make(first!.shape.with(axis, length), (index) => {
      let place = index[axis]!;
      for (const x of inputs) {
        if (place < x.shape[axis]!) return at(x, index.with(axis, place));
        place -= x.shape[axis]!;
      }
      return NaN;
    });
  },
  pad({ before, after, value }, [x]) {
    const shape = x.shape.map((side, axis) => side + before[axis]! + after[axis]!);
    return make(shape, (index) => {
      const from = index.map((place, axis) => place - before[axis]!);
      return from.every((place, axis) => place >= 0 && place < x.shape[axis]!) ? at(x, from) : value;
    });
  },
  slice({ begin, size }, [x]) {
    const shape = x.shape.map((side, axis) => axis === 0 ? side : size[axis]!);
    return make(shape, (index) => at(x, index.map((place, axis) => place + begin[axis]!)));
  },
  subsample({ strides: [s, t] }, [x]) {
    const [n, h, w, c] = x.shape as [number, number, number, number];
    return make(
      [n, Math.ceil(h / s), Math.ceil(w / t), c],
      ([i, row, column, channel]) => at(x, [i!, row! * s, column! * t, channel!]),
    );
  },
  averagePool: (attrs, [x]) =>
    pooled(attrs, x, (inside) => sum(inside.length, (i) => inside[i]!) / inside.length),
  maxPool: (attrs, [x]) => pooled(attrs, x, (inside) => Math.max(...inside)),
  globalAveragePool: (_, [x]) => flatPool(x, (values) => momentsOf(values)[0]),
  globalMaxPool: (_, [x]) => flatPool(x, (values) => Math.max(...values)),
  reshape: ({ shape }, [x]) => ({ shape: [x.shape[0]!, ...shape], data: x.data }),
  transpose: ({ order }, [x]) =>
    make(
      order.map((axis) => x.shape[axis]!),
      (index) => at(x, order.map((_, axis) => index[order.indexOf(axis)]!)),
    ),
  resizeNearest: ({ size }, [x]) =>
    make([x.shape[0]!, size[0], size[1], x.shape[3]!], ([n, row, column, c]) =>
      at(x, [
        n!,
        Math.floor(row! * x.shape[1]! / size[0]),
        Math.floor(column! * x.shape[2]! / size[1]),
        c!,
      ])),
  resizeBilinear: (attrs, [x]) =>
    resized(attrs, x, (position, from) => {
      const place = clamp(position, from - 1);
      const low = Math.floor(place);
      return [[low, 1 - (place - low)], [clamp(low + 1, from - 1), place - low]];
    }),
  resizeBicubic: (attrs, [x]) =>
    resized(attrs, x, (position, from) => {
      const low = Math.floor(position);
      return [-1, 0, 1, 2].map((i) => [clamp(low + i, from - 1), keys(position - low - i)]);
    }),
  gruCell(_, [x, h, wInput, wHidden, bInput, bHidden]) {
    const units = h.shape[1]!;
    const gates = referenceRules.dense(null, [x, wInput, bInput]);
    const hidden = referenceRules.dense(null, [h, wHidden, bHidden]);
    return make(h.shape, ([n, k]) => {
      const part = (gate: number, of: Doubles): number => at(of, [n!, gate * units + k!]);
      const reset = sigmoid(part(0, gates) + part(0, hidden));
      const update = sigmoid(part(1, gates) + part(1, hidden));
      const fresh = Math.tanh(part(2, gates) + reset * part(2, hidden));
      return (1 - update) * fresh + update * at(h, [n!, k!]);
    });
  },
  matMul: (_, [a, b]) => matMul(a, b),
  attention({ heads }, [q, k, v]) {
    const width = q.shape[2]! / heads;
    const cut = (x: Doubles, head: number): Doubles =>
      make([x.shape[0]!, x.shape[1]!, width], ([n, t, d]) => at(x, [n!, t!, head * width + d!]));
    const parts = Array.from({ length: heads }, (_, head) => {
      const scores = matMul(cut(q, head), referenceRules.transpose({ order: [0, 2, 1] }, [cut(k, head)]));
      return matMul(softmax(map(scores, (value) => value / Math.sqrt(width))), cut(v, head));
    });
    return referenceRules.concat({ axis: 2 }, parts);
  },
  reduceMean({ axes }, [x]) {
    const shape = x.shape.map((side, axis) => axes.includes(axis) ? 1 : side);
    const spans = x.shape.map((side, axis) => axes.includes(axis) ? side : 1);
    return make(
      shape,
      (index) =>
        momentsOf([
          ...make(spans, (inner) => at(x, index.map((place, axis) => place + inner[axis]!))).data,
        ])[0],
    );
  },
  branch({ body }, [gate, otherwise, ...inputs]) {
    const bound = new Map(body.inputs.map(({ id }, i) => [id, inputs[i]!]));
    const open = interpret(body, referenceRules, bound).get(body.outputs[0]!.id)!;
    return make(otherwise.shape, (index) => at(gate.data[index[0]!]! > 0.5 ? open : otherwise, index));
  },
};

/** In training, batch norm uses mean and biased variance of the batch itself. */
export const trainingRules: Rules<Doubles> = {
  ...referenceRules,
  batchNorm({ epsilon }, [x, scale, offset]) {
    const moments = batchMoments(x);
    return normalized(x, scale, offset, epsilon, (index) => moments[last(index)]!);
  },
};

/** Mean and biased variance of every channel of a batch. */
export function batchMoments(x: Doubles): readonly (readonly [mean: number, variance: number])[] {
  const channels = x.shape.at(-1)!;
  return Array.from(
    { length: channels },
    (_, c) => momentsOf([...x.data.filter((_, i) => i % channels === c)]),
  );
}

/** A float32 tensor as doubles. */
export function doubles({ shape, data }: Tensor): Doubles {
  return { shape, data: Float64Array.from(data) };
}

/** Outputs of a graph by name, given a value for every input and parameter. */
export function runReference(
  graph: Graph,
  values: ReadonlyMap<string, Doubles>,
  rules: Rules<Doubles> = referenceRules,
): Named<Doubles> {
  const all = interpret(graph, rules, values);
  return Object.fromEntries(graph.outputs.map(({ name, id }) => [name, all.get(id)!]));
}

/**
 * Slope of `sum(output * weight)` over all outputs when one value moves along a direction, by central differences.
 *
 * @param weights One per output value.
 * @param move Which input or parameter, and where to.
 */
export function slope(
  { graph, values, rules }: {
    readonly graph: Graph;
    readonly values: ReadonlyMap<string, Doubles>;
    readonly rules: Rules<Doubles>;
  },
  weights: Named<Doubles>,
  move: { readonly id: string; readonly direction: Float64Array },
): number {
  // The error is of the order of step^2 (curvature) and 1e-16 / step (rounding).
  const step = 1e-5;
  const { shape, data } = values.get(move.id)!;
  const lossAt = (distance: number): number => {
    const moved = { shape, data: data.map((value, i) => value + distance * move.direction[i]!) };
    const outputs = runReference(graph, new Map(values).set(move.id, moved), rules);
    return Object.entries(weights).reduce(
      (total, [name, weight]) => total + dot(weight.data, outputs[name]!.data),
      0,
    );
  };
  return (lossAt(step) - lossAt(-step)) / (2 * step);
}

/** Sum of products. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return sum(a.length, (i) => a[i]! * b[i]!);
}
