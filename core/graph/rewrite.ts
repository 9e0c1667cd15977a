/**
 * Graph to graph functions, with their weights: what inference does not need is folded or dropped.
 *
 * @module
 */
import { sizeOf, type Tensor, tensor } from "../tensor.ts";
import type { Graph, Param } from "./graph.ts";
import type { Id, Node } from "./ops.ts";
import { verify } from "./verify.ts";

/** Values of all parameters of a graph by id, in the graph's layout. */
export type Weights = ReadonlyMap<Id, Tensor>;

/** A graph and the values of its parameters. */
export interface Network {
  /** The graph. */
  readonly graph: Graph;
  /** Values of its parameters. */
  readonly weights: Weights;
}

/** How many nodes and outputs read each value. */
function readers(graph: Graph): Map<Id, number> {
  const counts = new Map<Id, number>();
  const read = (id: Id): void => void counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(read);
  for (const { id } of graph.outputs) read(id);
  return counts;
}

/**
 * Folds every batch norm that follows a convolution, depthwise convolution or product (with or without bias) nobody else
 * reads, so that the layer keeps one filter and one bias:
 *
 *     w' = w * s,  b' = offset + (b - mean) * s,  s = scale / sqrt(variance + epsilon)
 *
 * Other batch norms are kept. The value keeps the id of the batch norm.
 */
export function foldBatchNorm({ graph, weights }: Network): Network {
  const counts = readers(graph);
  const makers = new Map(graph.nodes.map((node) => [node.id, node]));
  const params = new Map(graph.params.map((param) => [param.id, param]));
  const values = new Map(weights);
  const replaced = new Map<Id, readonly Node[]>();
  for (const node of graph.nodes) {
    if (node.op !== "batchNorm") continue;
    const [x, ...statistics] = node.inputs;
    const before = makers.get(x);
    const [product, added] = before?.op === "bias"
      ? [makers.get(before.inputs[0]), before]
      : [before, undefined];
    if (product?.op !== "conv" && product?.op !== "depthwise") continue;
    const kernel = product.inputs[1];
    const chain = added === undefined ? [product] : [product, added];
    if (chain.some(({ id }) => counts.get(id) !== 1) || counts.get(kernel) !== 1) continue;
    const [scale, offset, mean, variance] = statistics.map((id) => values.get(id)!.data);
    const factor = scale!.map((value, i) => value / Math.sqrt(variance![i]! + node.attrs.epsilon));
    const old = added === undefined ? undefined : values.get(added.inputs[1])!.data;
    const bias = offset!.map((value, i) => value + ((old?.[i] ?? 0) - mean![i]!) * factor[i]!);
    const w = values.get(kernel)!;
    // Output channels are the last axes of both filters: [h,w,I,O] and [h,w,C,M].
    values.set(kernel, tensor(w.shape, w.data.map((value, i) => value * factor[i % factor.length]!)));
    const biasId = `${node.id}.folded_bias`;
    params.set(biasId, { id: biasId, shape: [bias.length] });
    values.set(biasId, tensor([bias.length], bias));
    for (const { id } of chain) replaced.set(id, []);
    const inner = product.id;
    replaced.set(node.id, [product, { id: node.id, op: "bias", inputs: [inner, biasId], attrs: null }]);
  }
  const folded = {
    ...graph,
    params: [...params.values()],
    nodes: graph.nodes.flatMap((node) => replaced.get(node.id) ?? [node]),
  };
  return dropDead({ graph: folded, weights: values });
}

/** Removes dropout (identity outside training), nodes no output needs, and parameters no node reads. */
export function dropDead({ graph, weights }: Network): Network {
  const alias = new Map<Id, Id>();
  const resolve = (id: Id): Id => alias.get(id) ?? id;
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(resolve);
    if (node.op === "dropout") alias.set(node.id, inputs[0]!);
    else kept.push({ ...node, inputs } as unknown as Node);
  }
  const outputs = graph.outputs.map(({ name, id }) => ({ name, id: resolve(id) }));
  const needed = new Set(outputs.map(({ id }) => id));
  const nodes: Node[] = [];
  for (const node of kept.toReversed()) {
    if (!needed.has(node.id)) continue;
    node.inputs.forEach((id) => needed.add(id));
    nodes.unshift(node);
  }
  const params: Param[] = graph.params.filter(({ id }) => needed.has(id));
  const result = { ...graph, params, nodes, outputs };
  verify(result);
  return { graph: result, weights: new Map(params.map(({ id }) => [id, weights.get(id)!])) };
}

/** What is run in production: batch norms folded, dead nodes dropped. */
export function forInference(network: Network): Network {
  return foldBatchNorm(dropDead(network));
}

/**
 * Checks that weights are exactly what a graph wants.
 *
 * @throws {RangeError} Naming missing, surplus and misshapen parameters.
 */
export function checkWeights(graph: Graph, weights: Weights): void {
  const problems: string[] = [];
  for (const { id, shape } of graph.params) {
    const value = weights.get(id);
    if (value === undefined) problems.push(`"${id}" is missing`);
    else if (value.shape.join() !== shape.join() || value.data.length !== sizeOf(shape)) {
      problems.push(`"${id}" is [${value.shape}], must be [${shape}]`);
    }
  }
  const known = new Set(graph.params.map(({ id }) => id));
  for (const id of weights.keys()) if (!known.has(id)) problems.push(`"${id}" is not a parameter`);
  if (problems.length > 0) {
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : "";
    throw new RangeError(`Cannot load weights of "${graph.name}": ${problems.slice(0, 5).join(", ")}${more}`);
  }
}
