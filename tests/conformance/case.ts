/**
 * What a case is, and how lists of them are written.
 *
 * @module
 */
import {
  type Graph,
  GraphBuilder,
  type Id,
  isTrainable,
  type OpName,
  rolesOf,
} from "../../core/graph/mod.ts";
import { stream } from "../../core/random.ts";
import { sizeOf, type Tensor, tensor } from "../../core/tensor.ts";

/** A graph with a value for everything it reads. */
export interface Case {
  /** Operation and what is special, unique. */
  readonly name: string;
  /** Operation under test. */
  readonly op: OpName;
  /** Mostly one node. */
  readonly graph: Graph;
  /** Every input and parameter. */
  readonly values: ReadonlyMap<Id, Tensor>;
  /** Inputs and parameters that have a gradient. */
  readonly differentiable: readonly Id[];
  /** Whether the graph runs in training mode (batch statistics). */
  readonly training: boolean;
}

/** How the values of a case are drawn. */
export interface Options {
  /** @default 2 */
  readonly batch?: number;
  /** Inputs are uniform in `[-scale, scale)`. @default 1 */
  readonly scale?: number;
  /** Values that matter. */
  readonly set?: Readonly<Record<Id, readonly number[]>>;
  /** Values without a gradient. */
  readonly fixed?: readonly Id[];
  /** @default false */
  readonly training?: boolean;
}

/** Adds a case: `build` gives the id of the one output, or names outputs itself. */
export type Add = (
  op: OpName,
  note: string,
  build: (b: GraphBuilder) => Id | void,
  options?: Options,
) => void;

/** Cases, and the function that adds to them. */
export function list(): { readonly cases: Case[]; readonly add: Add } {
  const cases: Case[] = [];
  return { cases, add: (op, note, build, options = {}) => void cases.push(make(op, note, build, options)) };
}

/** The input `x`, an image. */
export function image(b: GraphBuilder, h = 5, w = 7, c = 3): Id {
  return b.input("x", [h, w, c]);
}

function make(op: OpName, note: string, build: (b: GraphBuilder) => Id | void, options: Options): Case {
  const name = `${op}: ${note}`;
  const b = new GraphBuilder(name);
  const result = build(b);
  if (result !== undefined) b.output("y", result);
  const graph = b.build();
  const { batch = 2, scale = 1, set = {}, fixed = [], training = false } = options;
  const roles = rolesOf(graph);
  const values = new Map([...graph.inputs, ...graph.params].map(({ id, shape }) => {
    const sides = shape.map((side) => side === -1 ? batch : side);
    const random = stream(7, `${name}/${id}`);
    const isVariance = roles.get(id) === "variance";
    const draw = (): number => isVariance ? 0.5 + random() : (2 * random() - 1) * (roles.has(id) ? 1 : scale);
    return [id, tensor(sides, Float32Array.from(set[id] ?? Array.from({ length: sizeOf(sides) }, draw)))];
  }));
  const differentiable = [...values.keys()].filter((id) =>
    !fixed.includes(id) && isTrainable(roles.get(id) ?? "value")
  );
  return { name, op, graph, values, differentiable, training };
}
