/**
 * The builder: writes graphs with less text. It resolves what operations do not know (padding, names, parameter shapes).
 *
 * @module
 */
import { BATCH, type Graph, type GraphInput, type GraphOutput, type Param, type Shape } from "./graph.ts";
import type { Id, Node, OpName, Ops, Pads, Pair } from "./ops.ts";
import { apply } from "./ops.ts";
import { shapeRules } from "./shape.ts";
import { verify } from "./verify.ts";

/** How a convolution is asked for. */
export interface ConvOptions {
  /** Output channels (for depthwise: outputs per input channel, default 1). */
  readonly filters?: number;
  /** Side or sides of the window in pixels. */
  readonly kernel: number | Pair;
  /** Step in pixels. @default 1 */
  readonly stride?: number;
  /** Pixels of zeros on every side, or top, left, bottom, right. @default 0 */
  readonly pad?: number | Pads;
  /** Distance between taps. @default 1 */
  readonly dilation?: number;
  /** Groups of channels. @default 1 */
  readonly groups?: number;
  /** Whether a bias `<name>.bias` is added. @default false */
  readonly bias?: boolean;
}

/** Numerics of batch norm. */
export interface BatchNormOptions {
  /** Added to the variance. @default 1e-5 */
  readonly epsilon?: number;
  /** Share of the newest batch in the running statistics. @default 0.1 */
  readonly momentum?: number;
}

/** Initial values other than the default. */
export interface DenseOptions {
  /** Output features. */
  readonly units: number;
  /** All weights start at this value. */
  readonly weightFill?: number;
  /** All biases start at this value. @default 0 */
  readonly biasFill?: number;
}

const pair = (value: number | Pair): Pair => typeof value === "number" ? [value, value] : value;
const four = (value: number | Pads): Pads => typeof value === "number" ? [value, value, value, value] : value;

/** Padding that keeps `ceil(side / stride)` pixels: TensorFlow's SAME, one more at the bottom and right where it is odd. */
export function samePads(sides: Pair, kernel: number | Pair, stride: number): Pads {
  const total = pair(kernel).map((window, i) => {
    const side = sides[i]!;
    return Math.max(0, (Math.ceil(side / stride) - 1) * stride + window - side);
  });
  const [v, h] = [total[0]!, total[1]!];
  return [v >> 1, h >> 1, v - (v >> 1), h - (h >> 1)];
}

/** A graph under construction. Methods return the id of the value they define; parameters are named `<name>.weight` and so on. */
export class GraphBuilder {
  readonly #name: string;
  readonly #inputs: GraphInput[] = [];
  readonly #params: Param[] = [];
  readonly #nodes: Node[] = [];
  readonly #outputs: GraphOutput[] = [];
  readonly #shapes = new Map<Id, Shape>();

  /**
   * An empty graph.
   *
   * @param name What the graph is called.
   */
  constructor(name: string) {
    this.#name = name;
  }

  /** Declares an input; `shape` is without the batch. */
  input(id: Id, shape: Shape): Id {
    this.#inputs.push({ id, shape: [BATCH, ...shape] });
    this.#shapes.set(id, [BATCH, ...shape]);
    return id;
  }

  /** Declares a parameter, optionally filled with one value. */
  param(id: Id, shape: Shape, fill?: number): Id {
    this.#params.push(fill === undefined ? { id, shape } : { id, shape, fill });
    this.#shapes.set(id, shape);
    return id;
  }

  /** Shape of a value defined so far. */
  shape(id: Id): Shape {
    const shape = this.#shapes.get(id);
    if (shape === undefined) throw new RangeError(`Cannot read shape: "${id}" is not defined`);
    return shape;
  }

  /** Adds any operation. */
  node<K extends OpName>(op: K, id: Id, inputs: Ops[K]["inputs"], attrs: Ops[K]["attrs"]): Id {
    const node = { id, op, inputs, attrs } as unknown as Node;
    try {
      this.#shapes.set(id, apply<Shape, Shape, OpName>(shapeRules, node, (input) => this.shape(input)));
    } catch (error) {
      throw new RangeError(`Cannot build "${this.#name}": node "${id}" (${op}): ${(error as Error).message}`);
    }
    this.#nodes.push(node);
    return id;
  }

  /** A convolution with the parameter `<name>.weight`. */
  conv(name: string, x: Id, options: ConvOptions & { readonly filters: number }): Id {
    const [h, w] = pair(options.kernel);
    const groups = options.groups ?? 1;
    const channels = this.shape(x).at(-1)!;
    const weight = this.param(`${name}.weight`, [h, w, Math.floor(channels / groups), options.filters]);
    const out = this.node("conv", name, [x, weight], { ...sliding(options), groups });
    return options.bias === true ? this.bias(name, out) : out;
  }

  /** A depthwise convolution with the parameter `<name>.weight`. */
  depthwise(name: string, x: Id, options: ConvOptions): Id {
    const [h, w] = pair(options.kernel);
    const weight = this.param(`${name}.weight`, [h, w, this.shape(x).at(-1)!, options.filters ?? 1]);
    const out = this.node("depthwise", name, [x, weight], sliding(options));
    return options.bias === true ? this.bias(name, out) : out;
  }

  /** A number per channel, the parameter `<name>.bias`. */
  bias(name: string, x: Id): Id {
    return this.node("bias", `${name}:bias`, [x, this.param(`${name}.bias`, [this.shape(x).at(-1)!])], null);
  }

  /** Batch norm with the parameters `<name>.weight`, `.bias`, `.running_mean`, `.running_var`. */
  batchNorm(name: string, x: Id, options: BatchNormOptions = {}): Id {
    const channels = [this.shape(x).at(-1)!];
    return this.node("batchNorm", name, [
      x,
      this.param(`${name}.weight`, channels),
      this.param(`${name}.bias`, channels),
      this.param(`${name}.running_mean`, channels),
      this.param(`${name}.running_var`, channels),
    ], { epsilon: options.epsilon ?? 1e-5, momentum: options.momentum ?? 0.1 });
  }

  /** A product with the parameters `<name>.weight` and `<name>.bias`. */
  dense(name: string, x: Id, options: DenseOptions): Id {
    const weight = this.param(`${name}.weight`, [this.shape(x).at(-1)!, options.units], options.weightFill);
    return this.node("dense", name, [
      x,
      weight,
      this.param(`${name}.bias`, [options.units], options.biasFill),
    ], null);
  }

  /** An operation of one value and no attributes. */
  unary(
    op:
      | "relu"
      | "relu6"
      | "silu"
      | "hardSwish"
      | "hardSigmoid"
      | "sigmoid"
      | "tanh"
      | "gelu"
      | "softmax"
      | "globalAveragePool"
      | "globalMaxPool",
    x: Id,
    id: Id = `${x}:${op}`,
  ): Id {
    return this.node(op, id, [x], null);
  }

  /** Names a result. */
  output(name: string, id: Id): void {
    this.#outputs.push({ name, id });
  }

  /** The finished, verified graph. */
  build(): Graph {
    const graph: Graph = {
      name: this.#name,
      inputs: this.#inputs,
      params: this.#params,
      nodes: this.#nodes,
      outputs: this.#outputs,
    };
    verify(graph);
    return graph;
  }
}

function sliding(options: ConvOptions): { strides: Pair; pads: Pads; dilations: Pair } {
  return {
    strides: pair(options.stride ?? 1),
    pads: four(options.pad ?? 0),
    dilations: pair(options.dilation ?? 1),
  };
}
