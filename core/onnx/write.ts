/**
 * Networks as ONNX bytes.
 *
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { checkWeights, type Network, verify } from "../graph/mod.ts";
import { ints, valueInfo } from "./_proto.ts";
import { boundParams, held, Model, Scope, type Value } from "./_scope.ts";
import { type GraphProto, ModelProtoSchema, type NodeProto } from "./onnx_pb.ts";
import { emitGraph } from "./_rules.ts";

/** How a model is written. */
export interface OnnxOptions {
  /** Facts stored in the file beside the graph (`metadata_props`), written in the order of their keys. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Version of the operator set. @default 17 */
  readonly opset?: 17 | 18;
  /** Version of the program, stored as producer version. @default "" */
  readonly producerVersion?: string;
  /** Text for people who open the file. @default "" */
  readonly doc?: string;
}

/** The version of the file format that belongs to the operator sets 17 and 18. */
const IR_VERSION = 8n;

/**
 * Writes a network as ONNX: operator set 17 or 18, format version 8, raw little-endian weights.
 *
 * Inputs and outputs are those of the graph, `float32`, channels last, under its names, with the batch axis named `N`. The graph
 * is written as it is, in inference mode (batch norm by running statistics, no dropout): give it `forInference(network)` for
 * the smallest model. Equal networks and options give equal bytes.
 *
 * Format: https://github.com/onnx/onnx/blob/main/docs/IR.md
 *
 * @throws {RangeError} If the graph or the weights do not fit, or a filter is not a parameter.
 */
export function toOnnx({ graph, weights }: Network, options: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const shapes = verify(graph);
  checkWeights(graph, weights);
  const model = new Model(options.opset ?? 17, [
    ...graph.inputs.map(({ id }) => id),
    ...graph.outputs.map(({ name }) => name),
  ]);
  const scope = new Scope(model);
  const bound = boundParams(graph, weights);
  for (const { id, shape } of graph.inputs) bound.set(id, held(shape, id));
  const values = emitGraph(graph, scope, bound);
  const inputs = new Set(graph.inputs.map(({ id }) => id));
  for (const { name, id } of graph.outputs) {
    if (inputs.has(name)) {
      throw new RangeError(`Cannot export "${graph.name}": output "${name}" has the name of an input`);
    }
    showOutput(scope, values.get(id)!, name);
  }
  const proto: Partial<GraphProto> = {
    name: graph.name,
    node: scope.nodes,
    initializer: model.constants,
    input: graph.inputs.map(({ id, shape }) => valueInfo(id, shape)),
    output: graph.outputs.map(({ name, id }) => valueInfo(name, shapes.get(id)!)),
    valueInfo: scope.infos,
  };
  const metadata = Object.entries(options.metadata ?? {}).toSorted(([a], [b]) => a < b ? -1 : 1);
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: "saccade",
      ...(options.producerVersion === undefined ? {} : { producerVersion: options.producerVersion }),
      ...(options.doc === undefined ? {} : { docString: options.doc }),
      opsetImport: [{ domain: "", version: BigInt(model.opset) }],
      metadataProps: metadata.map(([key, value]) => ({ key, value })),
      graph: proto as GraphProto,
    }),
  );
}

/** Gives a value its public name: by renaming the tensor nobody has named yet, else by a copy. */
function showOutput(scope: Scope, value: Value, name: string): void {
  const plain = value.names.get("nhwc");
  if (plain !== undefined && scope.maker(plain) !== undefined && !scope.shown.has(plain)) {
    rename(scope.nodes, plain, name);
    const at = scope.infos.findIndex((info) => info.name === plain);
    if (at >= 0) scope.infos.splice(at, 1);
    value.names.set("nhwc", name);
  } else if (plain === undefined && value.constant === undefined) {
    const [nchw] = value.names.values();
    scope.push("Transpose", [nchw!], [name], { perm: ints([0, 2, 3, 1]) });
    value.names.set("nhwc", name);
  } else {
    scope.push("Identity", [scope.get(value)], [name]);
  }
  scope.shown.add(name);
}

/** Renames a tensor wherever it is read or made, branches included. */
function rename(nodes: readonly NodeProto[], from: string, to: string): void {
  const swap = (names: string[]): void => names.forEach((name, i) => name === from && (names[i] = to));
  for (const node of nodes) {
    swap(node.input);
    swap(node.output);
    if (node.name === from) node.name = to;
    for (const { g } of node.attribute) if (g !== undefined) rename(g.node, from, to);
  }
}
