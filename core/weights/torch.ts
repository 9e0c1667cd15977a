/**
 * Layouts of parameters in files: the names and axis orders of torchvision, so that PyTorch loads what we write.
 *
 * @module
 */
import { checkWeights, type Graph, type Role, rolesOf, type Weights } from "../graph/mod.ts";
import { sizeOf, type Tensor } from "../tensor.ts";

/** Axis `i` in the file is axis `order[i]` here. Roles without an entry are the same in both. */
const FILE_ORDER: { readonly [R in Role]?: readonly number[] } = {
  conv: [3, 2, 0, 1],
  dense: [1, 0],
  recurrent: [1, 0],
};

/** Permutes axes: axis `i` of the result is axis `order[i]` of `x`. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]!);
  const steps = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)));
  const strides = order.map((axis) => steps[axis]!);
  const data = new Float32Array(x.data.length);
  const index = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let i = 0; i < data.length; i++) {
    data[i] = x.data[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** Depthwise filters are `[C*M,1,h,w]` in files and `[h,w,C,M]` here. */
function depthwiseToFile(x: Tensor): Tensor {
  const [h, w, c, m] = x.shape as [number, number, number, number];
  return { shape: [c * m, 1, h, w], data: permute(x, [2, 3, 0, 1]).data };
}

function depthwiseFromFile(id: string, x: Tensor, shape: readonly number[]): Tensor {
  const [h, w, c, m] = shape as [number, number, number, number];
  const wanted = [c * m, 1, h, w];
  if (x.shape.join() !== wanted.join()) {
    throw new RangeError(`Cannot load weights: "${id}" is [${x.shape}], must be [${wanted}]`);
  }
  return permute({ shape: [c, m, h, w], data: x.data }, [2, 3, 0, 1]);
}

/** Weights of a graph as torchvision lays them out. */
export function toTorch(graph: Graph, weights: Weights): Map<string, Tensor> {
  checkWeights(graph, weights);
  const roles = rolesOf(graph);
  return new Map([...weights].map(([id, x]) => {
    const role = roles.get(id)!;
    const order = FILE_ORDER[role];
    return [id, role === "depthwise" ? depthwiseToFile(x) : order === undefined ? x : permute(x, order)];
  }));
}

/**
 * Weights of a graph from torchvision's layout; `num_batches_tracked` is ignored.
 *
 * @throws {RangeError} If a tensor is missing, surplus or misshapen.
 */
export function fromTorch(graph: Graph, tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const roles = rolesOf(graph);
  const shapes = new Map(graph.params.map(({ id, shape }) => [id, shape]));
  const weights = new Map<string, Tensor>();
  for (const [id, x] of tensors) {
    if (id.endsWith(".num_batches_tracked")) continue;
    const order = FILE_ORDER[roles.get(id) ?? "value"];
    const value = roles.get(id) === "depthwise"
      ? depthwiseFromFile(id, x, shapes.get(id)!)
      : order === undefined || order.length !== x.shape.length
      ? x
      : permute(x, inverse(order));
    weights.set(id, value);
  }
  checkWeights(graph, weights);
  return weights;
}

function inverse(order: readonly number[]): number[] {
  return order.map((_, axis) => order.indexOf(axis));
}
