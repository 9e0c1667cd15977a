import { assert, assertEquals } from "@std/assert/mod.js";
import { GraphBuilder, verify } from "../../core/graph/mod.ts";
import { resNetCifar } from "../../models/mod.ts";
import { rectify } from "./_rectified.ts";

Deno.test("rectify() takes every rectifier behind a batch norm into it, and no other", () => {
  const graph = resNetCifar({ depth: 8, outputs: 10 });
  const { graph: rectified, rectified: norms } = rectify(graph);
  verify(rectified);
  // conv1, and the first batch norm of each of three blocks; behind the second there is a sum.
  assertEquals(norms.size, 4);
  assertEquals(graph.nodes.length - rectified.nodes.length, 4);
  assertEquals(rectified.nodes.filter(({ op }) => op === "relu").length, 3);
  assertEquals(
    rectified.nodes.filter(({ attrs }) => attrs !== null && norms.has(attrs)).map(({ op }) => op),
    [
      "batchNorm",
      "batchNorm",
      "batchNorm",
      "batchNorm",
    ],
  );
  assertEquals([rectified.params, rectified.inputs, rectified.outputs], [
    graph.params,
    graph.inputs,
    graph.outputs,
  ]);
});

Deno.test("rectify() leaves a batch norm alone that something else reads", () => {
  const b = new GraphBuilder("read twice");
  const x = b.input("image", [4, 4, 2]);
  const seen = b.batchNorm("seen", x);
  const shown = b.batchNorm("shown", x);
  b.output("sum", b.node("add", "sum", [b.unary("relu", seen, "relu1"), seen], null));
  b.output("rectified", b.unary("relu", shown, "relu2"));
  b.output("shown", shown);
  const graph = b.build();
  const { rectified, graph: same } = rectify(graph);
  assertEquals(rectified.size, 0);
  assertEquals(same, graph);
});

Deno.test("rectify() gives outputs that were rectifiers the batch norms instead", () => {
  const b = new GraphBuilder("end");
  b.output("y", b.unary("relu", b.batchNorm("norm", b.input("image", [4, 4, 2])), "relu"));
  const { graph, rectified } = rectify(b.build());
  verify(graph);
  assert(rectified.size === 1);
  assertEquals(graph.outputs.map(({ name }) => name), ["y"]);
  assertEquals(graph.nodes.map(({ op }) => op), ["batchNorm"]);
});
