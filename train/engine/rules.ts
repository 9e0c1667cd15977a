/**
 * Graphs on TensorFlow.js: one rule per operation, differentiable, the same on every engine.
 *
 * What TensorFlow can do in one kernel is in `native_kernels.ts`; the rest is composed here of tfjs operations.
 *
 * Dimension key: N batch, H W pixels, C I O channels.
 *
 * @module
 */
import {
  type Graph,
  interpret,
  type Pads,
  type Pair,
  type PoolAttrs,
  type Rules,
} from "../../core/graph/mod.ts";
import {
  addBias,
  convolve,
  convolveDepthwise,
  fusedBatchNorm,
  largest,
  relu6Fast,
  reluFast,
} from "./native_kernels.ts";
import { resizeRules } from "./resize.ts";
import { tf } from "./tf.ts";

/** New statistics of one batch norm, to be blended into the running ones. */
export interface Statistics {
  /** The running mean and variance that were passed in, `float32[C]`. */
  readonly running: readonly [mean: tf.Tensor, variance: tf.Tensor];
  /** Mean and unbiased variance of this batch, `float32[C]`. */
  readonly batch: readonly [mean: tf.Tensor, variance: tf.Tensor];
  /** Share of the batch in the new running statistics. */
  readonly momentum: number;
}

/** How a graph is run. */
export interface Mode {
  /** Batch statistics and dropout instead of running statistics and identity. */
  readonly training: boolean;
  /** Receives the statistics of every batch norm in training mode. */
  readonly onStatistics?: (statistics: Statistics) => void;
  /** Seeds for dropout, one per call. */
  readonly seeds?: () => number;
  /** Attributes of the batch norms that rectify their result in training (`_rectified.ts`). @default none */
  readonly rectified?: ReadonlySet<object>;
}

const isZero = (pads: Pads): boolean => pads.every((pad) => pad === 0);

function bordered(x: tf.Tensor4D, [top, left, bottom, right]: Pads, value: number): tf.Tensor4D {
  return tf.pad4d(x, [[0, 0], [top, bottom], [left, right], [0, 0]], value);
}

/** A filter with zeros between its taps, `[h, w, ...] -> [(h-1)d+1, (w-1)e+1, ...]`: tfjs has no gradient of dilation. */
function dilated(w: tf.Tensor4D, [d, e]: Pair): tf.Tensor4D {
  if (d === 1 && e === 1) return w;
  const [h, width, i, o] = w.shape;
  // One axis at a time: padding of rank 5 gives zeros on webgpu.
  const rows = tf.pad3d(tf.reshape(w, [h, 1, width * i * o]), [[0, 0], [0, d - 1], [0, 0]]);
  const taps = tf.reshape(rows, [h * d, width, 1, i * o]) as tf.Tensor4D;
  const spread = tf.pad4d(taps, [[0, 0], [0, 0], [0, e - 1], [0, 0]]);
  const full = tf.reshape(spread, [h * d, width * e, i, o]) as tf.Tensor4D;
  return tf.slice4d(full, [0, 0, 0, 0], [(h - 1) * d + 1, (width - 1) * e + 1, i, o]);
}

function pool(kind: "avg" | "max", { window, strides, pads }: PoolAttrs, x: tf.Tensor4D): tf.Tensor4D {
  const sides = [...window] as [number, number];
  const steps = [...strides] as [number, number];
  // The lowest finite float: the border is never the maximum.
  if (kind === "max") return largest({ x: isZero(pads) ? x : bordered(x, pads, -3.4e38), window, strides });
  if (isZero(pads)) return tf.avgPool(x, sides, steps, "valid");
  // Means over the pixels inside: sums of the zero-padded image over the number of pixels that are not padding.
  const ones = tf.ones([1, x.shape[1], x.shape[2], 1]) as tf.Tensor4D;
  const mean = (image: tf.Tensor4D): tf.Tensor4D =>
    tf.avgPool(bordered(image, pads, 0), sides, steps, "valid");
  return tf.div(mean(x), mean(ones));
}

function clipped(x: tf.Tensor, least: number, most: number): tf.Tensor {
  return tf.clipByValue(x, least, most);
}

const hardSigmoid = (x: tf.Tensor): tf.Tensor => clipped(tf.add(tf.mul(x, 1 / 6), 0.5), 0, 1);

/** The rules in a mode. */
export function tfjsRules(mode: Mode): Rules<tf.Tensor> {
  return {
    conv({ strides, pads, dilations, groups }, [x, w]) {
      const filter = dilated(w as tf.Tensor4D, dilations);
      if (groups === 1) return convolve({ x: x as tf.Tensor4D, filter, strides, pads });
      const inputs = tf.split(x, groups, 3) as tf.Tensor4D[];
      const filters = tf.split(filter, groups, 3) as tf.Tensor4D[];
      return tf.concat(inputs.map((part, i) => convolve({ x: part, filter: filters[i]!, strides, pads })), 3);
    },
    depthwise: ({ strides, pads, dilations }, [x, w]) =>
      convolveDepthwise({ x: x as tf.Tensor4D, filter: dilated(w as tf.Tensor4D, dilations), strides, pads }),
    dense(_, [x, w, b]) {
      if (x.rank === 2) return tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b);
      const flat = tf.reshape(x, [-1, w.shape[0]!]) as tf.Tensor2D;
      return tf.reshape(tf.add(tf.matMul(flat, w as tf.Tensor2D), b), [...x.shape.slice(0, -1), w.shape[1]!]);
    },
    bias: (_, [x, b]) => addBias(x, b as tf.Tensor1D),
    batchNorm(attrs, [x, scale, offset, mean, variance]) {
      const { epsilon, momentum } = attrs;
      const channels = x.shape.at(-1)!;
      const image = (x.rank === 4 ? x : tf.reshape(x, [-1, 1, 1, channels])) as tf.Tensor4D;
      const [s, o] = [scale as tf.Tensor1D, offset as tf.Tensor1D];
      if (!mode.training) {
        const y = tf.batchNorm(image, mean as tf.Tensor1D, variance as tf.Tensor1D, o, s, epsilon);
        return x.rank === 4 ? y : tf.reshape(y, x.shape);
      }
      const rectified = mode.rectified?.has(attrs) === true;
      const { y, batchMean, batchVariance } = fusedBatchNorm({
        x: image,
        scale: s,
        offset: o,
        epsilon,
        rectified,
      });
      mode.onStatistics?.({ running: [mean, variance], batch: [batchMean, batchVariance], momentum });
      return x.rank === 4 ? y : tf.reshape(y, x.shape);
    },
    layerNorm({ epsilon }, [x, scale, offset]) {
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon))), scale), offset);
    },
    dropout: ({ rate }, [x]) =>
      mode.training && rate > 0 ? tf.dropout(x, rate, undefined, mode.seeds?.() ?? 0) : x,
    relu: (_, [x]) => reluFast(x),
    relu6: (_, [x]) => relu6Fast(x),
    silu: (_, [x]) => tf.mul(x, tf.sigmoid(x)),
    hardSwish: (_, [x]) => tf.mul(x, hardSigmoid(x)),
    hardSigmoid: (_, [x]) => hardSigmoid(x),
    sigmoid: (_, [x]) => tf.sigmoid(x),
    tanh: (_, [x]) => tf.tanh(x),
    gelu: (_, [x]) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
    softmax: (_, [x]) => tf.softmax(x),
    add: (_, [a, b]) => tf.add(a, b),
    mul: (_, [a, b]) => tf.mul(a, b),
    concat: ({ axis }, inputs) => tf.concat([...inputs], axis),
    pad: ({ before, after, value }, [x]) => tf.pad(x, before.map((count, i) => [count, after[i]!]), value),
    slice: ({ begin, size }, [x]) => tf.slice(x, [...begin], [...size]),
    // Pooling with a window of one pixel: strided slices have no gradient in tfjs.
    subsample: ({ strides }, [x]) =>
      tf.avgPool(x as tf.Tensor4D, [1, 1], [...strides] as [number, number], "valid"),
    averagePool: (attrs, [x]) => pool("avg", attrs, x as tf.Tensor4D),
    maxPool: (attrs, [x]) => pool("max", attrs, x as tf.Tensor4D),
    globalAveragePool: (_, [x]) => tf.mean(x, [1, 2]),
    globalMaxPool: (_, [x]) => tf.max(x, [1, 2]),
    reshape: ({ shape }, [x]) => tf.reshape(x, [-1, ...shape]),
    transpose: ({ order }, [x]) => tf.transpose(x, [...order]),
    ...resizeRules,
    gruCell(_, [x, h, wInput, wHidden, bInput, bHidden]) {
      const fromInput = tf.add(tf.matMul(x as tf.Tensor2D, wInput as tf.Tensor2D), bInput);
      const fromHidden = tf.add(tf.matMul(h as tf.Tensor2D, wHidden as tf.Tensor2D), bHidden);
      const [ri, zi, ni] = tf.split(fromInput, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const [rh, zh, nh] = tf.split(fromHidden, 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const update = tf.sigmoid(tf.add(zi, zh));
      const fresh = tf.tanh(tf.add(ni, tf.mul(tf.sigmoid(tf.add(ri, rh)), nh)));
      return tf.add(fresh, tf.mul(update, tf.sub(h, fresh)));
    },
    matMul: (_, [a, b]) => tf.matMul(a, b),
    attention({ heads }, [q, k, v]) {
      const split = (x: tf.Tensor): tf.Tensor =>
        tf.transpose(tf.reshape(x, [-1, x.shape[1]!, heads, x.shape[2]! / heads]), [0, 2, 1, 3]);
      const scores = tf.matMul(split(q), tf.transpose(split(k), [0, 1, 3, 2]));
      const weights = tf.softmax(tf.mul(scores, 1 / Math.sqrt(q.shape[2]! / heads)));
      return tf.reshape(tf.transpose(tf.matMul(weights, split(v)), [0, 2, 1, 3]), [
        -1,
        q.shape[1]!,
        q.shape[2]!,
      ]);
    },
    reduceMean: ({ axes }, [x]) => tf.mean(x, [...axes], true),
    branch({ body }, [gate, otherwise, ...inputs]) {
      const open = tf.reshape(tf.cast(tf.greater(gate, 0.5), "float32"), [
        -1,
        ...otherwise.shape.slice(1).map(() => 1),
      ]);
      const values = interpret(
        body,
        tfjsRules(mode),
        new Map(body.inputs.map(({ id }, i) => [id, inputs[i]!])),
      );
      const taken = values.get(body.outputs[0]!.id)!;
      return tf.add(tf.mul(open, taken), tf.mul(tf.sub(1, open), otherwise));
    },
  };
}

/**
 * Runs a graph.
 *
 * @param graph A verified graph.
 * @param bound Tensors of all inputs and parameters.
 * @param mode Training or not.
 * @returns Outputs by their public names.
 */
export function runGraph(
  graph: Graph,
  bound: ReadonlyMap<string, tf.Tensor>,
  mode: Mode,
): { readonly [name: string]: tf.Tensor } {
  const values = interpret(graph, tfjsRules(mode), bound);
  return Object.fromEntries(graph.outputs.map(({ name, id }) => [name, values.get(id)!]));
}
