/**
 * A network as data: inputs, parameters, nodes in order, outputs. Plain JSON.
 *
 * @module
 */
import { apply, type Id, type Node, type Rules } from "./ops.ts";

/** Side of the batch axis in shapes of values. */
export const BATCH: -1 = -1;

/** Lengths of the axes; the first of a value is {@link BATCH}, parameters have no batch. */
export type Shape = readonly number[];

/** Something fed from outside. */
export interface GraphInput {
  /** Name. */
  readonly id: Id;
  /** Starts with {@link BATCH}. */
  readonly shape: Shape;
}

/** Something learned or tracked. */
export interface Param {
  /** Name; torchvision's where a counterpart exists. */
  readonly id: Id;
  /** In this project's layout (`H W I O`, `I O`). */
  readonly shape: Shape;
  /** Initial value where the default of its role does not fit. */
  readonly fill?: number;
}

/** A result under a public name. */
export interface GraphOutput {
  /** Public name. */
  readonly name: string;
  /** Value it shows. */
  readonly id: Id;
}

/** A network. Nodes stand in an order in which every input is defined before it is used. */
export interface Graph {
  /** What the network is called. */
  readonly name: string;
  /** What it is fed. */
  readonly inputs: readonly GraphInput[];
  /** What it has learned. */
  readonly params: readonly Param[];
  /** What it does. */
  readonly nodes: readonly Node[];
  /** What it answers. */
  readonly outputs: readonly GraphOutput[];
}

/**
 * Runs a graph through one interpreter.
 *
 * @param graph A verified graph.
 * @param rules The interpreter.
 * @param bound A value for every input and parameter.
 * @returns Every value by id, those of the nodes included.
 * @throws {RangeError} If an input or parameter is not bound.
 */
export function interpret<V>(graph: Graph, rules: Rules<V>, bound: ReadonlyMap<Id, V>): Map<Id, V> {
  const values = new Map<Id, V>(bound);
  const read = (id: Id): V => {
    const value = values.get(id);
    if (value === undefined) throw new RangeError(`Cannot run "${graph.name}": "${id}" has no value`);
    return value;
  };
  for (const node of graph.nodes) values.set(node.id, apply<V, V, typeof node.op>(rules, node, read));
  return values;
}
