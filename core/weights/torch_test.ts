import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { GraphBuilder, initialize } from "../graph/mod.ts";
import { stream } from "../random.ts";
import { tensor } from "../tensor.ts";
import { fromTorch, permute, toTorch } from "./torch.ts";

/** One of everything whose layout differs. */
function everything() {
  const b = new GraphBuilder("everything");
  const x = b.conv("c", b.input("x", [4, 4, 4]), { filters: 6, kernel: [1, 3], groups: 2, bias: true });
  const y = b.batchNorm("bn", b.depthwise("d", x, { kernel: [3, 2], filters: 2 }));
  const features = b.dense("fc", b.unary("globalAveragePool", y), { units: 5 });
  b.output(
    "h",
    b.node("gruCell", "cell", [
      features,
      b.input("state", [4]),
      b.param("cell.weight_ih", [5, 12]),
      b.param("cell.weight_hh", [4, 12]),
      b.param("cell.bias_ih", [12]),
      b.param("cell.bias_hh", [12]),
    ], null),
  );
  const graph = b.build();
  return { graph, weights: initialize(graph, (id) => stream(1, id)) };
}

Deno.test("permute() moves axes: axis i of the result is axis order[i]", () => {
  const x = tensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  assertEquals(permute(x, [1, 0]), tensor([3, 2], Float32Array.of(1, 4, 2, 5, 3, 6)));
  const y = tensor([1, 2, 1, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  assertEquals(permute(y, [3, 2, 0, 1]), tensor([3, 1, 1, 2], Float32Array.of(1, 4, 2, 5, 3, 6)));
  assertEquals(permute(tensor([]), []), tensor([]));
});

Deno.test("toTorch() writes torchvision's shapes", () => {
  const { graph, weights } = everything();
  const shapes = [...toTorch(graph, weights)].map(([id, { shape }]) => [id, [...shape]]);
  assertEquals(Object.fromEntries(shapes), {
    "c.weight": [6, 2, 1, 3],
    "c.bias": [6],
    "d.weight": [12, 1, 3, 2],
    "bn.weight": [12],
    "bn.bias": [12],
    "bn.running_mean": [12],
    "bn.running_var": [12],
    "fc.weight": [5, 12],
    "fc.bias": [5],
    "cell.weight_ih": [12, 5],
    "cell.weight_hh": [12, 4],
    "cell.bias_ih": [12],
    "cell.bias_hh": [12],
  });
});

Deno.test("toTorch() puts every value where torch looks for it", () => {
  const { graph, weights } = everything();
  const file = toTorch(graph, weights);
  const value = (
    from: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>,
    id: string,
    at: number[],
  ) => {
    const { shape, data } = from.get(id)!;
    return data[at.reduce((offset, index, axis) => offset * shape[axis]! + index, 0)];
  };
  // conv [h,w,I,O] and [O,I,h,w]
  assertEquals(value(file, "c.weight", [4, 1, 0, 2]), value(weights, "c.weight", [0, 2, 1, 4]));
  // depthwise [h,w,C,M] and [C*M,1,h,w]: channel 3, filter 1 is output 7
  assertEquals(value(file, "d.weight", [7, 0, 2, 1]), value(weights, "d.weight", [2, 1, 3, 1]));
  assertEquals(value(file, "fc.weight", [4, 11]), value(weights, "fc.weight", [11, 4]));
  assertEquals(value(file, "cell.weight_ih", [11, 3]), value(weights, "cell.weight_ih", [3, 11]));
});

Deno.test("fromTorch() undoes toTorch() and ignores batch counters", () => {
  const { graph, weights } = everything();
  const file = toTorch(graph, weights).set("bn.num_batches_tracked", tensor([], Float32Array.of(100)));
  assertEquals(fromTorch(graph, file), weights);
});

Deno.test("fromTorch() refuses what is missing, surplus or misshapen, and names it", () => {
  const { graph, weights } = everything();
  const file = toTorch(graph, weights);
  const without = new Map(file);
  without.delete("fc.bias");
  assertThrows(() => fromTorch(graph, without), RangeError, '"fc.bias" is missing');
  assertThrows(
    () => fromTorch(graph, new Map(file).set("more", tensor([1]))),
    RangeError,
    '"more" is not a parameter',
  );
  for (
    const [id, shape] of [["c.weight", [6, 2, 3, 1]], ["d.weight", [12, 1, 2, 3]], ["fc.weight", [
      60,
    ]]] as const
  ) {
    assertThrows(() => fromTorch(graph, new Map(file).set(id, tensor(shape))), RangeError, `"${id}" is [`);
  }
});
