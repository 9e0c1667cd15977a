import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import { tensor } from "../tensor.ts";
import { GraphBuilder } from "./builder.ts";
import { opCounts } from "./cost.ts";
import type { Graph } from "./graph.ts";
import { initialize } from "./init.ts";
import { checkWeights, dropDead, foldBatchNorm, forInference, type Network } from "./rewrite.ts";

function network(graph: Graph): Network {
  return { graph, weights: initialize(graph, (id) => stream(1, id)) };
}

Deno.test("foldBatchNorm() gives w * s and offset + (b - mean) * s", () => {
  const b = new GraphBuilder("one");
  const x = b.conv("c", b.input("x", [1, 1, 1]), { filters: 2, kernel: 1, bias: true });
  b.output("y", b.batchNorm("bn", x, { epsilon: 0 }));
  const graph = b.build();
  const row = (...values: number[]) => tensor([values.length], Float32Array.from(values));
  const weights = new Map([
    ["c.weight", tensor([1, 1, 1, 2], Float32Array.of(3, 5))],
    ["c.bias", row(1, 2)],
    ["bn.weight", row(4, 6)],
    ["bn.bias", row(10, 20)],
    ["bn.running_mean", row(0.5, 1)],
    ["bn.running_var", row(4, 9)],
  ]);
  const folded = foldBatchNorm({ graph, weights });
  // s = (4 / 2, 6 / 3) = (2, 2); w = (6, 10); b = (10 + 0.5 * 2, 20 + 1 * 2)
  assertEquals([...folded.weights].map(([id, { data }]) => [id, [...data]]), [
    ["c.weight", [6, 10]],
    ["bn.folded_bias", [11, 22]],
  ]);
  assertEquals(folded.graph.nodes.map(({ id, op }) => [id, op]), [["c", "conv"], ["bn", "bias"]]);
  assertEquals([...weights.get("c.weight")!.data], [3, 5]);
});

Deno.test("foldBatchNorm() keeps batch norms of values that others read too, and of shared filters", () => {
  const b = new GraphBuilder("shared");
  const x = b.conv("c", b.input("x", [2, 2, 2]), { filters: 2, kernel: 1 });
  b.output("y", b.node("add", "sum", [x, b.batchNorm("bn", x)], null));
  assertEquals(opCounts(foldBatchNorm(network(b.build())).graph)["batchNorm"], 1);
  const twice = new GraphBuilder("twice");
  const first = twice.batchNorm(
    "bn",
    twice.conv("c", twice.input("x", [2, 2, 2]), { filters: 2, kernel: 1 }),
  );
  const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
  twice.output("y", twice.node("conv", "again", [first, "c.weight"], attrs));
  assertEquals(opCounts(foldBatchNorm(network(twice.build())).graph)["batchNorm"], 1);
});

Deno.test("foldBatchNorm() keeps batch norms that follow no convolution", () => {
  const b = new GraphBuilder("alone");
  b.output("y", b.batchNorm("bn", b.unary("relu", b.input("x", [3]), "r")));
  assertEquals(opCounts(foldBatchNorm(network(b.build())).graph), { relu: 1, batchNorm: 1 });
});

Deno.test("dropDead() removes dropout, what no output needs, and its parameters", () => {
  const b = new GraphBuilder("dead");
  const x = b.node("dropout", "drop", [b.input("x", [3])], { rate: 0.5 });
  b.dense("unused", x, { units: 9 });
  b.output("y", b.dense("used", x, { units: 2 }));
  const { graph, weights } = dropDead(network(b.build()));
  assertEquals(graph.nodes.map(({ id, inputs }) => [id, inputs[0]]), [["used", "x"]]);
  assertEquals([...weights.keys()], ["used.weight", "used.bias"]);
  assertEquals(graph.params.map(({ id }) => id), ["used.weight", "used.bias"]);
});

Deno.test("dropDead() follows an output that shows a dropout to what it drops from", () => {
  const b = new GraphBuilder("shown");
  b.output("y", b.node("dropout", "drop", [b.unary("relu", b.input("x", [3]), "r")], { rate: 0.1 }));
  assertEquals(dropDead(network(b.build())).graph.outputs, [{ name: "y", id: "r" }]);
});

Deno.test("forInference() leaves no batch norm behind convolutions, twice is once", () => {
  const b = new GraphBuilder("net");
  let x = b.input("x", [4, 4, 2]);
  for (const name of ["a", "b"]) {
    x = b.unary(
      "relu",
      b.batchNorm(`${name}.bn`, b.conv(name, x, { filters: 3, kernel: 3, pad: 1 })),
      `${name}.relu`,
    );
  }
  b.output("y", b.batchNorm("d.bn", b.depthwise("d", x, { kernel: 3, filters: 2 })));
  const once = forInference(network(b.build()));
  assertEquals(opCounts(once.graph), { conv: 2, bias: 3, relu: 2, depthwise: 1 });
  assertEquals(forInference(once), once);
});

Deno.test("checkWeights() names what is missing, misshapen and surplus, five at most", () => {
  const b = new GraphBuilder("net");
  b.output("y", b.dense("fc", b.input("x", [3]), { units: 2 }));
  const { graph, weights } = network(b.build());
  checkWeights(graph, weights);
  const wrong = new Map(weights).set("fc.weight", tensor([2, 3])).set("more", tensor([1]));
  wrong.delete("fc.bias");
  const error = assertThrows(() => checkWeights(graph, wrong), RangeError, 'Cannot load weights of "net"');
  for (
    const said of ['"fc.weight" is [2,3], must be [3,2]', '"fc.bias" is missing', '"more" is not a parameter']
  ) {
    assert(error.message.includes(said), error.message);
  }
  const many = new Map(Array.from({ length: 9 }, (_, i) => [`p${i}`, tensor([1])]));
  assertThrows(() => checkWeights(graph, many), RangeError, "and 6 more");
});
