/**
 * Where rules write: nodes of one ONNX graph (the model's, or a branch of an `If`), constants of the whole model, and in
 * which memory layouts every value is at hand.
 *
 * Convolution, pooling and resizing want channels first; the graph says channels last. A value knows the tensors that hold
 * it, by layout; a transpose is written when a layout is asked for that is not there, and found again by the next asker. So a
 * chain of convolutions transposes once at each end.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import type { Graph, Id, Shape, Weights } from "../graph/mod.ts";
import type { Tensor } from "../tensor.ts";
import { permute } from "../weights/mod.ts";
import { type Attribute, attributes, floatTensor, int, ints, intTensor, valueInfo } from "./_proto.ts";
import { type NodeProto, NodeProtoSchema, type TensorProto, type ValueInfoProto } from "./onnx_pb.ts";

/** Order of the axes of a rank 4 tensor. Values of other ranks are always `nhwc`: as the graph says. */
export type Layout = "nhwc" | "nchw";

/** Axis `i` of the layout is axis `order[i]` of the graph's shape. */
const NCHW = [0, 3, 1, 2] as const;

/** A value of the graph and the tensors that hold it. */
export interface Value {
  /** Shape as the graph says it. */
  readonly shape: Shape;
  /** Names of the tensors by layout, at least one unless `constant` is given. */
  readonly names: Map<Layout, string>;
  /** The value itself, of a parameter. */
  readonly constant?: { readonly id: Id; readonly tensor: Tensor };
  /** Whether exactly one node and no output reads it. */
  readonly sole?: boolean;
}

/** What the scopes of one model share. */
export class Model {
  /** Operator set. */
  readonly opset: number;
  /** Constants in order of first use; they all live in the outermost graph. */
  readonly constants: TensorProto[] = [];
  readonly #byContent = new Map<string, string>();
  readonly #taken: Set<string>;

  /**
   * @param opset Version of the operator set.
   * @param reserved Names that only inputs and outputs may have.
   */
  constructor(opset: number, reserved: Iterable<string>) {
    this.opset = opset;
    this.#taken = new Set(reserved);
  }

  /** A name nobody has, as close to the wanted one as possible. */
  fresh(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}:${i}`;
    this.#taken.add(name);
    return name;
  }

  /** The name of a constant, written at first use. `key` says what it holds. */
  constant(key: string, wanted: string, make: (name: string) => TensorProto): string {
    const known = this.#byContent.get(key);
    if (known !== undefined) return known;
    const name = this.fresh(wanted);
    this.#byContent.set(key, name);
    this.constants.push(make(name));
    return name;
  }
}

/** One graph under construction. */
export class Scope {
  /** What the whole model shares. */
  readonly model: Model;
  /** Nodes so far. */
  readonly nodes: NodeProto[] = [];
  /** Shapes of the values between them. */
  readonly infos: ValueInfoProto[] = [];
  /** Name of the node whose rule is at work; tensors are named after it. */
  label = "";
  /** Tensors that are results of the model under their public names. */
  readonly shown = new Set<string>();
  readonly #makers = new Map<string, NodeProto>();

  /** @param model What the whole model shares. */
  constructor(model: Model) {
    this.model = model;
  }

  /**
   * Writes one node with one float32 result.
   *
   * @param shape Shape of the tensor as ONNX sees it; `null` for tensors that are no float32.
   * @param part Name of an intermediate result; without it the tensor has the name of the graph's node.
   */
  emit(
    op: string,
    inputs: readonly string[],
    shape: Shape | null,
    attrs: Readonly<Record<string, Attribute>> = {},
    part?: string,
  ): string {
    const name = this.model.fresh(part === undefined ? this.label : `${this.label}/${part}`);
    this.push(op, inputs, [name], attrs);
    if (shape !== null) this.infos.push(valueInfo(name, shape));
    return name;
  }

  /** Writes a node whose outputs have names already. */
  push(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attrs: Readonly<Record<string, Attribute>> = {},
  ): void {
    const node = create(NodeProtoSchema, {
      name: outputs[0]!,
      opType: op,
      input: [...inputs],
      output: [...outputs],
      attribute: attributes(attrs),
    });
    this.nodes.push(node);
    for (const name of outputs) this.#makers.set(name, node);
  }

  /** The node of this graph that makes a tensor. */
  maker(name: string): NodeProto | undefined {
    return this.#makers.get(name);
  }

  /** Name of the tensor that holds a value in a layout, transposed if need be. */
  get(value: Value, layout: Layout = "nhwc"): string {
    const known = value.names.get(layout);
    if (known !== undefined) return known;
    if (value.constant !== undefined) {
      const name = this.#parameter(value.constant, layout === "nchw" ? NCHW : undefined);
      value.names.set(layout, name);
      return name;
    }
    const [from] = value.names.values();
    const name = this.model.fresh(`${from!}:${layout}`);
    const order = layout === "nchw" ? NCHW : [0, 2, 3, 1];
    this.push("Transpose", [from!], [name], { perm: ints(order) });
    this.infos.push(valueInfo(name, arranged(value.shape, layout)));
    value.names.set(layout, name);
    return name;
  }

  /**
   * Name of a parameter with permuted axes and, where asked, another shape of the same size.
   *
   * @throws {RangeError} If the value is computed: ONNX wants these to be constants.
   */
  param(value: Value, order?: readonly number[], shape?: Shape): string {
    if (value.constant === undefined) {
      throw new RangeError("filters, weights and statistics must be parameters, this one is computed");
    }
    return this.#parameter(value.constant, order, shape);
  }

  #parameter(
    { id, tensor }: { readonly id: Id; readonly tensor: Tensor },
    order?: readonly number[],
    shape?: Shape,
  ): string {
    const key = `param ${JSON.stringify(id)} ${order ?? ""} ${shape ?? ""}`;
    return this.model.constant(key, id, (name) => {
      const laid = order === undefined ? tensor : permute(tensor, order);
      return floatTensor(name, shape ?? laid.shape, laid.data);
    });
  }

  /** Name of a scalar constant. */
  scalar(value: number): string {
    return this.model.constant(
      `float ${value}`,
      `constant/${value}`,
      (name) => floatTensor(name, [], Float32Array.of(value)),
    );
  }

  /** Name of a constant array of the rule's own; equal names are equal arrays. */
  table(name: string, { shape, data }: Tensor): string {
    return this.model.constant(`table ${name}`, name, (fresh) => floatTensor(fresh, shape, data));
  }

  /** Name of a constant vector of integers. */
  vector(values: readonly number[]): string {
    return this.model.constant(`ints ${values}`, `constant/[${values}]`, (name) => intTensor(name, values));
  }

  /** Reduces over axes of the tensor; from operator set 18 on the axes are an input. */
  reduce(
    op: "ReduceMean" | "ReduceMax",
    x: string,
    axes: readonly number[],
    shape: Shape,
    keep: 0 | 1,
    part?: string,
  ): string {
    return this.model.opset >= 18
      ? this.emit(op, [x, this.vector(axes)], shape, { keepdims: int(keep) }, part)
      : this.emit(op, [x], shape, { axes: ints(axes), keepdims: int(keep) }, part);
  }
}

/** A value held by one tensor. */
export function held(shape: Shape, name: string, layout: Layout = "nhwc"): Value {
  return { shape, names: new Map([[layout, name]]) };
}

/** The layout values are best read in together: the one that needs fewest transposes, channels first when equal. */
export function common(values: readonly Value[]): Layout {
  const computed = values.filter(({ constant }) => constant === undefined);
  const missing = (layout: Layout): number => computed.filter(({ names }) => !names.has(layout)).length;
  return values[0]?.shape.length === 4 && missing("nchw") <= missing("nhwc") && computed.length > 0
    ? "nchw"
    : "nhwc";
}

/** A shape (or any list with one entry per axis) in a layout. */
export function arranged(perAxis: readonly number[], layout: Layout): readonly number[] {
  return layout === "nchw" ? NCHW.map((axis) => perAxis[axis]!) : perAxis;
}

/** Where an axis of the graph is in a layout. */
export function axisIn(layout: Layout, axis: number): number {
  return layout === "nchw" ? NCHW.indexOf(axis as 0 | 1 | 2 | 3) : axis;
}

/** Values of inputs, parameters bound to their tensors. */
export function boundParams(graph: Graph, weights: Weights): Map<Id, Value> {
  return new Map(graph.params.map(({ id, shape }) => [
    id,
    { shape, names: new Map(), constant: { id, tensor: weights.get(id)! } },
  ]));
}
