/**
 * Batch norm and the rectifier behind it as one operation, for engines that have it as one kernel: the picture is written once
 * less, and training is bound by memory.
 *
 * @module
 */
import type { Graph, GraphOutput, Id, Node } from "../../core/graph/mod.ts";

/** A graph whose batch norms rectify, some of them. */
export interface RectifiedGraph {
  /** The same parameters, inputs and outputs; fewer nodes. */
  readonly graph: Graph;
  /** The attributes of batch norms that are followed by a rectifier, which is no node any more. */
  readonly rectified: ReadonlySet<object>;
}

/** The graph as it is. */
export function unrectified(graph: Graph): RectifiedGraph {
  return { graph, rectified: new Set() };
}

/**
 * Takes every `relu` into the batch norm before it, where nothing else reads what lies between.
 *
 * @param graph A verified graph; bodies of branches are left as they are.
 */
export function rectify(graph: Graph): RectifiedGraph {
  const reads = new Map<Id, number>();
  for (
    const id of [
      ...graph.nodes.flatMap(({ inputs }) => [...inputs]),
      ...graph.outputs.map(({ id }) => id),
    ]
  ) {
    reads.set(id, (reads.get(id) ?? 0) + 1);
  }
  const norms = new Set(graph.nodes.flatMap(({ op, id }) => op === "batchNorm" ? [id] : []));
  // From the rectifier that goes to the batch norm that stays.
  const taken = new Map<Id, Id>(
    graph.nodes.flatMap(({ op, id, inputs: [from] }) =>
      op === "relu" && norms.has(from!) && reads.get(from!) === 1 ? [[id, from!]] : []
    ),
  );
  const rectifying = new Set(taken.values());
  const rectified = new Set<object>();
  const name = (id: Id): Id => taken.get(id) ?? id;
  const nodes = graph.nodes.filter(({ id }) => !taken.has(id)).map((node): Node => {
    const moved = { ...node, inputs: node.inputs.map(name) } as unknown as Node;
    if (moved.op !== "batchNorm" || !rectifying.has(moved.id)) return moved;
    // Its own object: graphs may share attributes.
    const attrs = { ...moved.attrs };
    rectified.add(attrs);
    return { ...moved, attrs };
  });
  const outputs = graph.outputs.map((output): GraphOutput => ({ ...output, id: name(output.id) }));
  return { graph: { ...graph, nodes, outputs }, rectified };
}
