/**
 * The vocabulary: every operation a network of this project may use, one typed page.
 *
 * Dimensions: N batch, H W pixels, C I O channels, T positions, D features, K hidden units. Images are `N H W C`, filters
 * `H W I O`. Axis 0 of every value is the batch; axes in attributes count from it. All values are `float32`. An attribute has
 * one meaning: what other systems infer (`same` padding, default epsilons, resize modes) is resolved by the builder or is an
 * operation of its own.
 *
 * @module
 */
import type { Graph } from "./graph.ts";

/** Name of a value: an input, a parameter or the result of a node. */
export type Id = string;

/** Attributes and inputs of one operation. */
export interface Op<Attrs, Inputs extends readonly Id[]> {
  /** Plain JSON, or `null`. */
  readonly attrs: Attrs;
  /** Values it reads, in order. */
  readonly inputs: Inputs;
}

/** Vertical, horizontal. */
export type Pair = readonly [vertical: number, horizontal: number];
/** Top, left, bottom, right. */
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

/** How a window moves over an image. */
export interface Sliding {
  /** Step in pixels. */
  readonly strides: Pair;
  /** Pixels added on each side: zeros for convolutions, never the maximum for maximum pooling. */
  readonly pads: Pads;
}

/** Attributes of a convolution. */
export interface ConvAttrs extends Sliding {
  /** Distance between taps in pixels. */
  readonly dilations: Pair;
  /** Input and output channels are split into this many independent groups. */
  readonly groups: number;
}

/** Attributes of a depthwise convolution. */
export interface DepthwiseAttrs extends Sliding {
  /** Distance between taps in pixels. */
  readonly dilations: Pair;
}

/** Attributes of pooling over windows. */
export interface PoolAttrs extends Sliding {
  /** Height and width in pixels. */
  readonly window: Pair;
}

/** Target size of a resampling. */
export interface ResizeAttrs {
  /** Output height and width in pixels. */
  readonly size: Pair;
  /** 1: corner centres map onto corner centres; 0: pixels are areas (half-pixel centres). */
  readonly alignCorners: 0 | 1;
}

/** Every operation: its attributes, its inputs and, as documentation, its signature. */
export interface Ops {
  /** `[N,H,W,I], [h,w,I/groups,O] -> [N,H',W',O]`, cross-correlation */
  conv: Op<ConvAttrs, readonly [x: Id, w: Id]>;
  /** `[N,H,W,C], [h,w,C,M] -> [N,H',W',C*M]`, channel `c*M+m` reads channel `c` */
  depthwise: Op<DepthwiseAttrs, readonly [x: Id, w: Id]>;
  /** `[N,...,I], [I,O], [O] -> [N,...,O]` */
  dense: Op<null, readonly [x: Id, w: Id, b: Id]>;
  /** `[N,...,C], [C] -> [N,...,C]`, adds one number per channel */
  bias: Op<null, readonly [x: Id, b: Id]>;
  /** `[N,...,C], [C] x 4 -> [N,...,C]`; training uses the batch's own mean and (biased) variance */
  batchNorm: Op<
    { readonly epsilon: number; readonly momentum: number },
    readonly [x: Id, scale: Id, offset: Id, mean: Id, variance: Id]
  >;
  /** `[N,...,C], [C], [C] -> [N,...,C]`, over the last axis */
  layerNorm: Op<{ readonly epsilon: number }, readonly [x: Id, scale: Id, offset: Id]>;
  /** `[...S] -> [...S]`; zeroes values with probability `rate` in training and scales the rest, identity otherwise */
  dropout: Op<{ readonly rate: number }, readonly [x: Id]>;
  /** `max(x, 0)` */
  relu: Op<null, readonly [x: Id]>;
  /** `min(max(x, 0), 6)` */
  relu6: Op<null, readonly [x: Id]>;
  /** `x * sigmoid(x)`, also called swish */
  silu: Op<null, readonly [x: Id]>;
  /** `x * hardSigmoid(x)` */
  hardSwish: Op<null, readonly [x: Id]>;
  /** `min(max(x / 6 + 1 / 2, 0), 1)` */
  hardSigmoid: Op<null, readonly [x: Id]>;
  /** `1 / (1 + exp(-x))` */
  sigmoid: Op<null, readonly [x: Id]>;
  /** Hyperbolic tangent */
  tanh: Op<null, readonly [x: Id]>;
  /** `x / 2 * (1 + erf(x / sqrt(2)))` */
  gelu: Op<null, readonly [x: Id]>;
  /** Over the last axis */
  softmax: Op<null, readonly [x: Id]>;
  /** Same rank; sides of 1 stretch */
  add: Op<null, readonly [a: Id, b: Id]>;
  /** Same rank; sides of 1 stretch */
  mul: Op<null, readonly [a: Id, b: Id]>;
  /** Joined along `axis`, which is not the batch */
  concat: Op<{ readonly axis: number }, readonly Id[]>;
  /** Constant border; one entry per axis, 0 for the batch */
  pad: Op<
    { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number },
    readonly [x: Id]
  >;
  /** One entry per axis; the batch is taken whole: begin 0, size -1 */
  slice: Op<{ readonly begin: readonly number[]; readonly size: readonly number[] }, readonly [x: Id]>;
  /** `[N,H,W,C] -> [N,ceil(H/s),ceil(W/t),C]`, every s-th row and t-th column */
  subsample: Op<{ readonly strides: Pair }, readonly [x: Id]>;
  /** Mean of the pixels of each window that lie inside the image */
  averagePool: Op<PoolAttrs, readonly [x: Id]>;
  /** Maximum of each window */
  maxPool: Op<PoolAttrs, readonly [x: Id]>;
  /** `[N,H,W,C] -> [N,C]`, mean over pixels */
  globalAveragePool: Op<null, readonly [x: Id]>;
  /** `[N,H,W,C] -> [N,C]`, maximum over pixels */
  globalMaxPool: Op<null, readonly [x: Id]>;
  /** `[N,...] -> [N,...shape]` */
  reshape: Op<{ readonly shape: readonly number[] }, readonly [x: Id]>;
  /** `order[i]` is the source of axis `i`; `order[0]` is 0 */
  transpose: Op<{ readonly order: readonly number[] }, readonly [x: Id]>;
  /** `[N,H,W,C] -> [N,h,w,C]`, source pixel `floor(i * H / h)` */
  resizeNearest: Op<{ readonly size: Pair }, readonly [x: Id]>;
  /** `[N,H,W,C] -> [N,h,w,C]`, no antialiasing */
  resizeBilinear: Op<ResizeAttrs, readonly [x: Id]>;
  /** `[N,H,W,C] -> [N,h,w,C]`, Keys' kernel with a = -0.75, no antialiasing */
  resizeBicubic: Op<ResizeAttrs, readonly [x: Id]>;
  /**
   * `[N,I], [N,K], [I,3K], [K,3K], [3K], [3K] -> [N,K]`, gates in the order reset, update, new; the reset gate acts after
   * the hidden product (Cho et al. 2014 as in cuDNN)
   */
  gruCell: Op<null, readonly [x: Id, h: Id, wInput: Id, wHidden: Id, bInput: Id, bHidden: Id]>;
  /** `[N,M,K], [N,K,P] -> [N,M,P]` */
  matMul: Op<null, readonly [a: Id, b: Id]>;
  /** `[N,T,D], [N,S,D], [N,S,D] -> [N,T,D]`, scaled dot product in `heads` equal parts of D (Vaswani et al. 2017) */
  attention: Op<{ readonly heads: number }, readonly [q: Id, k: Id, v: Id]>;
  /** Mean over `axes` (never the batch), kept as sides of 1 */
  reduceMean: Op<{ readonly axes: readonly number[] }, readonly [x: Id]>;
  /**
   * `[N], [N,...S], ... -> [N,...S]`: rows whose gate is above 1/2 take the output of `body`, the others take `otherwise`.
   * Nothing of `body` is computed when no gate is open. `body` has inputs only (parameters are passed in) and one output.
   */
  branch: Op<{ readonly body: Graph }, readonly [gate: Id, otherwise: Id, ...inputs: Id[]]>;
}

/** Name of an operation. */
export type OpName = keyof Ops;

/** One operation applied to named values. A plain JSON object; a graph is a list of them. */
export type Node<K extends OpName = OpName> = {
  [P in K]: Ops[P] & { readonly id: Id; readonly op: P };
}[K];

/** One value per input. A tuple stays a tuple only when mapped through a type parameter: keep this alias. */
export type Values<V, Ids extends readonly Id[]> = { readonly [I in keyof Ids]: V };

/** What one interpreter does for every operation. A missing operation does not compile. */
export type Rules<V> = {
  readonly [K in OpName]: (attrs: Ops[K]["attrs"], inputs: Values<V, Ops[K]["inputs"]>) => V;
};

/** A fact about every operation: one entry each, where `In` is known of the inputs and `Out` follows. */
export type Table<In, Out> = {
  readonly [K in OpName]: (attrs: Ops[K]["attrs"], inputs: Values<In, Ops[K]["inputs"]>) => Out;
};

/** Applies the rule of one node to what `read` gives for its inputs. */
export function apply<In, Out, K extends OpName>(
  table: Table<In, Out>,
  node: Node<K>,
  read: (id: Id) => In,
): Out {
  const rule: Table<In, Out>[K] = table[node.op];
  return rule(node.attrs, node.inputs.map(read) as Values<In, Ops[K]["inputs"]>);
}
