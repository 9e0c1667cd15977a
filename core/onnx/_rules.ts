/**
 * What every operation is in ONNX. This table owns every transpose: no model knows that export exists.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import {
  apply,
  BATCH,
  type Graph,
  type Id,
  type Node,
  type Shape,
  type Table,
  verify,
} from "../graph/mod.ts";
import { attention, dense, gruCell, matMul } from "./_sequence.ts";
import * as image from "./_image.ts";
import type { Emit } from "./_image.ts";
import * as plain from "./_plain.ts";
import { float, subgraph, valueInfo } from "./_proto.ts";
import { arranged, held, type Layout, Scope, type Value } from "./_scope.ts";
import { type GraphProto, GraphProtoSchema } from "./onnx_pb.ts";

/** Every operation: its inputs are values, its answer writes nodes. */
export const onnxRules: Table<Value, Emit> = {
  conv: (attrs, [x, w]) => image.conv(attrs, x, w),
  depthwise: (attrs, [x, w]) => image.depthwise(attrs, x, w),
  dense: (_, [x, w, b]) => dense(x, w, b),
  bias: (_, [x, b]) => plain.bias(x, b),
  batchNorm: ({ epsilon }, [x, ...params]) => image.batchNorm(epsilon, x, params),
  layerNorm: ({ epsilon }, [x, scale, offset]) => plain.layerNorm(epsilon, x, scale, offset),
  dropout: (_, [x]) => () => x,
  relu: (_, [x]) => plain.named("Relu", x),
  relu6: (_, [x]) => plain.pointwise(x, (name, step, to) => step("Clip", [name, to.scalar(0), to.scalar(6)])),
  silu: (_, [x]) =>
    plain.pointwise(x, (name, step) => step("Mul", [name, step("Sigmoid", [name], "sigmoid")])),
  hardSwish: (_, [x]) => plain.named("HardSwish", x),
  hardSigmoid: (_, [x]) => plain.named("HardSigmoid", x, { alpha: float(1 / 6), beta: float(0.5) }),
  sigmoid: (_, [x]) => plain.named("Sigmoid", x),
  tanh: (_, [x]) => plain.named("Tanh", x),
  gelu: (_, [x]) => plain.gelu(x),
  softmax: (_, [x]) => plain.softmax(x),
  add: (_, [a, b]) => plain.binary("Add", a, b),
  mul: (_, [a, b]) => plain.binary("Mul", a, b),
  concat: ({ axis }, inputs) => plain.concat(axis, inputs),
  pad: ({ before, after, value }, [x]) => plain.pad(before, after, value, x),
  slice: ({ begin, size }, [x]) => plain.slice(begin, size, x),
  subsample: ({ strides }, [x]) => image.subsample(strides, x),
  averagePool: (attrs, [x]) => image.pool("AveragePool", attrs, x),
  maxPool: (attrs, [x]) => image.pool("MaxPool", attrs, x),
  globalAveragePool: (_, [x]) => image.globalPool("ReduceMean", x),
  globalMaxPool: (_, [x]) => image.globalPool("ReduceMax", x),
  reshape: ({ shape }, [x]) => plain.reshape(shape, x),
  transpose: ({ order }, [x]) => plain.transpose(order, x),
  resizeNearest: ({ size }, [x]) => image.resizeNearest(size, x),
  resizeBilinear: (attrs, [x]) => image.resizeBilinear(attrs, x),
  resizeBicubic: (attrs, [x]) => image.resizeBicubic(attrs, x),
  gruCell: (_, inputs) => gruCell(inputs),
  matMul: (_, [a, b]) => matMul(a, b),
  attention: ({ heads }, [q, k, v]) => attention(heads, q, k, v),
  reduceMean: ({ axes }, [x]) => plain.reduceMean(axes, x),
  branch: ({ body }, [gate, otherwise, ...inputs]) => branch(body, gate, otherwise, inputs),
};

/** Writes the nodes of a graph; every value by id. `prefix` keeps names of branch bodies apart. */
export function emitGraph(
  graph: Graph,
  to: Scope,
  bound: ReadonlyMap<Id, Value>,
  prefix = "",
): Map<Id, Value> {
  const shapes = verify(graph);
  const reads = new Map<Id, number>();
  const read = (id: Id, times: number): void => void reads.set(id, (reads.get(id) ?? 0) + times);
  for (const node of graph.nodes) node.inputs.forEach((id) => read(id, 1));
  for (const { id } of graph.outputs) read(id, 2);
  const values = new Map(bound);
  for (const node of graph.nodes) values.set(node.id, emitNode(node));
  return values;

  function emitNode(node: Node): Value {
    to.label = `${prefix}${node.id}`;
    try {
      const emit = apply<Value, Emit, typeof node.op>(onnxRules, node, (id) => values.get(id)!);
      const value = emit(to, shapes.get(node.id)!);
      return { ...value, sole: value.sole !== false && reads.get(node.id) === 1 };
    } catch (error) {
      throw new RangeError(
        `Cannot export "${graph.name}": node "${node.id}" (${node.op}): ${(error as Error).message}`,
      );
    }
  }
}

/**
 * `If` any gate is open: the body, and per row the choice. The other arm hands `otherwise` on, so that with every gate closed
 * nothing of the body runs.
 */
function branch(body: Graph, gate: Value, otherwise: Value, inputs: readonly Value[]): Emit {
  return (to, out) => {
    const label = to.label;
    const rows = to.emit("Greater", [to.get(gate), to.scalar(0.5)], null, {}, "rows");
    const highest = to.reduce("ReduceMax", to.get(gate), [0], [], 0, "highest");
    const any = to.emit("Greater", [highest, to.scalar(0.5)], null, {}, "any");
    const arm = new Scope(to.model);
    // Copies: what is transposed inside the arm does not exist outside.
    const bound = new Map(body.inputs.map(({ id }, i) => {
      const value = inputs[i]!;
      return [id, { ...value, names: new Map(value.names), sole: false }];
    }));
    const result = emitGraph(body, arm, bound, `${label}/`).get(body.outputs[0]!.id)!;
    const [layout]: Iterable<Layout> & Layout[] = result.names.size > 0 ? [...result.names.keys()] : ["nhwc"];
    const shape = arranged(out, layout!);
    const other = to.get(otherwise, layout);
    to.label = label;
    arm.label = `${label}/open`;
    const column = out.length === 1 ? rows : arm.emit(
      "Reshape",
      [rows, arm.vector([BATCH, ...out.slice(1).map(() => 1)])],
      null,
      {},
      "rows",
    );
    const open = arm.emit("Where", [column, arm.get(result, layout), other], null);
    const closed = new Scope(to.model);
    closed.label = `${label}/closed`;
    const same = closed.emit("Identity", [other], null);
    const name = to.emit("If", [any], shape, {
      then_branch: subgraph(finished(arm, `${label}/open`, open, shape)),
      else_branch: subgraph(finished(closed, `${label}/closed`, same, shape)),
    });
    return held(out, name, layout);
  };
}

function finished(scope: Scope, name: string, output: string, shape: Shape): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: scope.nodes,
    valueInfo: scope.infos,
    output: [valueInfo(output, shape)],
  });
}
