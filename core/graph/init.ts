/**
 * Roles: what each input of every operation is for. Initialisation, weight decay, and the layout of a parameter in files all
 * follow from its role.
 *
 * @module
 */
import { normal, type Random } from "../random.ts";
import { sizeOf, type Tensor, tensor } from "../tensor.ts";
import type { Graph, Param, Shape } from "./graph.ts";
import type { Id, OpName } from "./ops.ts";

/** What a value is to the node that reads it. */
export type Role =
  | "value"
  | "conv"
  | "depthwise"
  | "dense"
  | "recurrent"
  | "bias"
  | "scale"
  | "offset"
  | "mean"
  | "variance";

/** Role of each input; inputs beyond the list are values. */
const ROLES: { readonly [K in OpName]: readonly Role[] } = {
  conv: ["value", "conv"],
  depthwise: ["value", "depthwise"],
  dense: ["value", "dense", "bias"],
  bias: ["value", "bias"],
  batchNorm: ["value", "scale", "offset", "mean", "variance"],
  layerNorm: ["value", "scale", "offset"],
  dropout: [],
  relu: [],
  relu6: [],
  silu: [],
  hardSwish: [],
  hardSigmoid: [],
  sigmoid: [],
  tanh: [],
  gelu: [],
  softmax: [],
  add: [],
  mul: [],
  concat: [],
  pad: [],
  slice: [],
  subsample: [],
  averagePool: [],
  maxPool: [],
  globalAveragePool: [],
  globalMaxPool: [],
  reshape: [],
  transpose: [],
  resizeNearest: [],
  resizeBilinear: [],
  resizeBicubic: [],
  gruCell: ["value", "value", "recurrent", "recurrent", "bias", "bias"],
  matMul: [],
  attention: [],
  reduceMean: [],
  branch: [],
};

/** Role of every parameter of a graph by id, branches included. A parameter nobody reads has the role "value". */
export function rolesOf(graph: Graph): Map<Id, Role> {
  const roles = new Map<Id, Role>(graph.params.map(({ id }) => [id, "value"]));
  for (const node of graph.nodes) {
    const inner = node.op === "branch" ? bodyRoles(node.attrs.body) : ROLES[node.op];
    node.inputs.forEach((id, i) => {
      const role = inner[i] ?? "value";
      if (role !== "value" && roles.has(id)) roles.set(id, role);
    });
  }
  return roles;
}

/** Roles of the inputs of a branch node: gate, otherwise, then what the body uses its inputs for. */
function bodyRoles(body: Graph): Role[] {
  const inside = rolesOf({ ...body, params: body.inputs });
  return ["value", "value", ...body.inputs.map(({ id }) => inside.get(id) ?? "value")];
}

/** Whether a role is learned by gradient (statistics of batch norm are not). */
export function isTrainable(role: Role): boolean {
  return role !== "mean" && role !== "variance";
}

/** Whether weight decay acts on a role: on products only, not on biases and normalisation (Goyal et al. 2017, section 5). */
export function isDecayed(role: Role): boolean {
  return role === "conv" || role === "depthwise" || role === "dense" || role === "recurrent";
}

/** Uniform in `±bound`. */
function uniform(shape: Shape, bound: number, random: Random): Tensor {
  return tensor(shape, Float32Array.from({ length: sizeOf(shape) }, () => (2 * random() - 1) * bound));
}

/** Normal with the deviation `sqrt(2 / fan)` (He et al. 2015, equation 10). */
function kaiming(shape: Shape, fan: number, random: Random): Tensor {
  const deviation = Math.sqrt(2 / fan);
  return tensor(shape, Float32Array.from({ length: sizeOf(shape) }, () => normal(random) * deviation));
}

const constant = (value: number) => (shape: Shape): Tensor =>
  tensor(shape, new Float32Array(sizeOf(shape)).fill(value));

/** First value of a parameter of every role: filters Kaiming normal by fan-out, dense `±1/sqrt(fan in)`, norms 1 and 0. */
const initRules: { readonly [R in Role]: (shape: Shape, random: Random) => Tensor } = {
  value: (shape, random) => uniform(shape, 1 / Math.sqrt(shape[0] ?? 1), random),
  conv: (shape, random) => kaiming(shape, shape[0]! * shape[1]! * shape[3]!, random),
  depthwise: (shape, random) => kaiming(shape, shape[0]! * shape[1]! * shape[3]!, random),
  dense: (shape, random) => uniform(shape, 1 / Math.sqrt(shape[0]!), random),
  recurrent: (shape, random) => uniform(shape, 1 / Math.sqrt(shape[1]! / 3), random),
  bias: constant(0),
  scale: constant(1),
  offset: constant(0),
  mean: constant(0),
  variance: constant(1),
};

/**
 * First values of every parameter.
 *
 * @param graph A verified graph.
 * @param streams Gives the random stream for a parameter, so that one layer more does not change the others.
 */
export function initialize(graph: Graph, streams: (param: Id) => Random): Map<Id, Tensor> {
  const roles = rolesOf(graph);
  return new Map(graph.params.map((param: Param) => {
    const rule = param.fill === undefined ? initRules[roles.get(param.id)!] : constant(param.fill);
    return [param.id, rule(param.shape, streams(param.id))];
  }));
}
