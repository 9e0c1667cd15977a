/**
 * The gate every graph passes before training, before export and on load.
 *
 * @module
 */
import { BATCH, type Graph, type Shape } from "./graph.ts";
import { apply, type Id, type OpName } from "./ops.ts";
import { shapeRules } from "./shape.ts";

/** Number of inputs of every operation: exact, or `[least, infinity]`. */
const ARITY: { readonly [K in OpName]: number | readonly [least: number] } = {
  conv: 2,
  depthwise: 2,
  dense: 3,
  bias: 2,
  batchNorm: 5,
  layerNorm: 3,
  dropout: 1,
  relu: 1,
  relu6: 1,
  silu: 1,
  hardSwish: 1,
  hardSigmoid: 1,
  sigmoid: 1,
  tanh: 1,
  gelu: 1,
  softmax: 1,
  add: 2,
  mul: 2,
  concat: [1],
  pad: 1,
  slice: 1,
  subsample: 1,
  averagePool: 1,
  maxPool: 1,
  globalAveragePool: 1,
  globalMaxPool: 1,
  reshape: 1,
  transpose: 1,
  resizeNearest: 1,
  resizeBilinear: 1,
  resizeBicubic: 1,
  gruCell: 6,
  matMul: 2,
  attention: 3,
  reduceMean: 1,
  branch: [2],
};

/**
 * Checks ids, order, arity and shapes.
 *
 * @returns Shape of every value by id.
 * @throws {RangeError} Naming graph and node, what is and what must be.
 */
export function verify(graph: Graph): Map<Id, Shape> {
  const fail = (what: string): never => {
    throw new RangeError(`Cannot use graph "${graph.name}": ${what}`);
  };
  const shapes = new Map<Id, Shape>();
  const define = (id: Id, shape: Shape): void => {
    if (typeof id !== "string" || id === "") fail("a value has no name");
    if (shapes.has(id)) fail(`"${id}" is defined twice`);
    shapes.set(id, shape);
  };
  const sides = (shape: Shape): boolean => shape.every((side) => Number.isInteger(side) && side >= 1);
  for (const { id, shape } of graph.inputs) {
    const body = shape[0] === BATCH ? shape.slice(1) : shape;
    if (!sides(body)) fail(`input "${id}" has shape [${shape}], sides must be positive integers`);
    define(id, shape);
  }
  for (const { id, shape } of graph.params) {
    if (!sides(shape)) fail(`parameter "${id}" has shape [${shape}], sides must be positive integers`);
    define(id, shape);
  }
  for (const node of graph.nodes) {
    const where = `node "${node.id}"`;
    const arity = Object.hasOwn(ARITY, node.op)
      ? ARITY[node.op]
      : fail(`${where} has unknown op "${node.op}"`);
    const count = node.inputs.length;
    const fits = typeof arity === "number" ? count === arity : count >= arity[0];
    if (!fits) {
      fail(
        `${where} (${node.op}) has ${count} inputs, must have ${arity}${
          typeof arity === "number" ? "" : " or more"
        }`,
      );
    }
    for (const id of node.inputs) {
      if (!shapes.has(id)) fail(`${where} reads "${id}", which is not defined before it`);
    }
    let shape: Shape;
    try {
      if (node.op === "branch") verify(node.attrs.body);
      shape = apply<Shape, Shape, typeof node.op>(shapeRules, node, (id) => shapes.get(id)!);
    } catch (error) {
      return fail(`${where} (${node.op}): ${(error as Error).message}`);
    }
    define(node.id, shape);
  }
  const names = new Set<string>();
  for (const { name, id } of graph.outputs) {
    if (!shapes.has(id)) fail(`output "${name}" shows "${id}", which is not defined`);
    if (names.has(name)) fail(`output "${name}" is named twice`);
    names.add(name);
  }
  if (graph.outputs.length === 0) fail("it has no output");
  return shapes;
}
