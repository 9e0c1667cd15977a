/**
 * Cost: multiply-accumulates and bytes touched, per batch element.
 *
 * The convention is that of the papers: convolutions and matrix products count, everything else is free. "FLOPs" in papers
 * means either these numbers or twice them; this project always says MACs.
 *
 * @module
 */
import { BATCH, type Graph, type Shape } from "./graph.ts";
import { apply, type OpName, type Table } from "./ops.ts";
import { elementsOf } from "./shape.ts";
import { verify } from "./verify.ts";

/** What one pass costs. */
export interface Cost {
  /** Multiply-accumulates of one batch element. */
  readonly macs: number;
  /** Bytes of inputs, parameters and outputs read or written by all nodes, one batch element. */
  readonly bytes: number;
}

/** Shapes known of a node: those of its inputs are the table's, the output is asked for when needed. */
type Macs = (output: Shape) => number;

const free = (): Macs => () => 0;

/** Multiply-accumulates of every operation, given the shapes of its inputs and (then) of its output. */
const macRules: Table<Shape, Macs> = {
  conv: (_, [, w]) => (out) => elementsOf(out) * w[0]! * w[1]! * w[2]!,
  depthwise: (_, [, w]) => (out) => elementsOf(out) * w[0]! * w[1]!,
  dense: (_, [, w]) => (out) => elementsOf(out) * w[0]!,
  bias: free,
  batchNorm: free,
  layerNorm: free,
  dropout: free,
  relu: free,
  relu6: free,
  silu: free,
  hardSwish: free,
  hardSigmoid: free,
  sigmoid: free,
  tanh: free,
  gelu: free,
  softmax: free,
  add: free,
  mul: free,
  concat: free,
  pad: free,
  slice: free,
  subsample: free,
  averagePool: free,
  maxPool: free,
  globalAveragePool: free,
  globalMaxPool: free,
  reshape: free,
  transpose: free,
  resizeNearest: free,
  resizeBilinear: free,
  resizeBicubic: free,
  gruCell: (_, [, , wInput, wHidden]) => () => elementsOf(wInput) + elementsOf(wHidden),
  matMul: (_, [a]) => (out) => elementsOf(out) * a[2]!,
  attention: (_, [q, k]) => () => 2 * elementsOf(q) * k[1]!,
  reduceMean: free,
  branch: ({ body }) => () => costOf(body).macs,
};

/** Cost of a graph with every branch taken. */
export function costOf(graph: Graph): Cost {
  const shapes = verify(graph);
  let macs = 0;
  let bytes = 0;
  for (const node of graph.nodes) {
    const out = shapes.get(node.id)!;
    macs += apply<Shape, Macs, typeof node.op>(macRules, node, (id) => shapes.get(id)!)(out);
    bytes += 4 * node.inputs.reduce((total, id) => total + elementsOf(shapes.get(id)!), elementsOf(out));
  }
  return { macs, bytes };
}

/** Number of values in all parameters, statistics of batch norm included. */
export function parameterCount(graph: Graph): number {
  return graph.params.reduce((total, { shape }) => total + elementsOf(shape), 0);
}

/** How many nodes of each operation a graph has, bodies of branches included. */
export function opCounts(graph: Graph): Partial<Record<OpName, number>> {
  const counts: Partial<Record<OpName, number>> = {};
  for (const node of graph.nodes) {
    counts[node.op] = (counts[node.op] ?? 0) + 1;
    if (node.op === "branch") {
      for (const [op, count] of Object.entries(opCounts(node.attrs.body)) as [OpName, number][]) {
        counts[op] = (counts[op] ?? 0) + count;
      }
    }
  }
  return counts;
}

/** A shape as people read it: `N x 32 x 32 x 3`. */
export function shapeText(shape: Shape): string {
  return shape.length === 0 ? "scalar" : shape.map((side) => side === BATCH ? "N" : String(side)).join(" x ");
}
