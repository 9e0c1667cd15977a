import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { costOf, type Graph, inferShapes, initialize, parameterCount, verify } from "../core/graph/mod.ts";
import { stream } from "../core/random.ts";
import { gridPolicy, modelOf, MODELS, patchReader, resNet, resNetCifar } from "./mod.ts";

function outputShapes(graph: Graph): Record<string, readonly number[]> {
  const shapes = inferShapes(graph);
  return Object.fromEntries(graph.outputs.map(({ name, id }) => [name, shapes.get(id)!]));
}

Deno.test("costOf() reproduces the reference values of convolutions and products alone", () => {
  const macs = (graph: Graph): number => costOf(graph).macs;
  assertEquals(macs(modelOf("resnet32-cifar").build()), 68_862_592);
  assertEquals(macs(modelOf("resnet110-cifar").build()), 252_887_680);
  assertEquals(macs(modelOf("resnet50").build()), 4_089_184_256);
  assertEquals(macs(resNet({ depth: 50, side: 96 })), 752_746_496);
  assertEquals(macs(resNet({ depth: 50, side: 95 })), 752_746_496);
  // Published with two to four digits.
  assertAlmostEquals(macs(modelOf("resnet101").build()) / 1e9, 7.801, 0.0005);
  assertAlmostEquals(macs(modelOf("resnet34").build()) / 1e9, 3.664, 0.0005);
  assertAlmostEquals(macs(modelOf("mobilenet_v2").build()) / 1e6, 300.8, 0.05);
  // Policies: BlockDrop's for CIFAR (54 blocks and a value), PatchDrop's for 56 px glances.
  assertAlmostEquals(macs(resNetCifar({ depth: 8, outputs: 55 })) / 1e6, 12.24, 0.005);
  assertAlmostEquals(macs(resNet({ depth: 10, side: 56, outputs: 16 })) / 1e6, 62, 0.5);
  assertAlmostEquals(macs(resNet({ depth: 18, side: 56, outputs: 16 })) / 1e6, 129, 0.5);
});

Deno.test("parameterCount() of the ImageNet networks is torchvision's, with the statistics of batch norm", () => {
  // torchvision counts learned values; means and variances come on top: 2 per channel of every batch norm.
  const learned = { resnet18: 11_689_512, resnet34: 21_797_672, resnet50: 25_557_032, resnet101: 44_549_160 };
  for (const [name, wanted] of Object.entries(learned)) {
    const graph = modelOf(name).build();
    const means = new Set(graph.nodes.flatMap((node) => node.op === "batchNorm" ? [node.inputs[3]] : []));
    const statistics = graph.params.filter(({ id }) => means.has(id)).reduce(
      (sum, p) => sum + p.shape[0]!,
      0,
    );
    assertEquals(parameterCount(graph) - 2 * statistics, wanted, name);
  }
});

Deno.test("every network of the zoo is a valid graph with the classes it is asked for, and a card", () => {
  for (const [name, { build, card }] of Object.entries(MODELS)) {
    const graph = build(7);
    verify(graph);
    assertEquals(outputShapes(graph), { logits: [-1, 7] }, name);
    assertEquals(graph.inputs[0]!.shape, [-1, card.preprocessing.side, card.preprocessing.side, 3], name);
    assert(card.paper.includes("https://"), name);
  }
});

Deno.test("modelOf() names the networks there are when asked for another", () => {
  assertThrows(
    () => modelOf("resnet33"),
    RangeError,
    'Cannot find network "resnet33": there is resnet8-cifar',
  );
  assertThrows(() => modelOf("toString"), RangeError, "Cannot find network");
});

Deno.test("resNetCifar() makes policies: another side, all positions before the head, a value, an initial bias", () => {
  const graph = resNetCifar({
    depth: 8,
    outputs: 16,
    side: 8,
    input: "glance",
    head: "flatten",
    headBias: 2,
    valueHead: true,
  });
  assertEquals(outputShapes(graph), { logits: [-1, 16], value: [-1, 1] });
  const weights = initialize(graph, (id) => stream(1, id));
  assertEquals(weights.get("linear.weight")!.shape, [2 * 2 * 64, 16]);
  assert(weights.get("linear.bias")!.data.every((value) => value === 2));
  assertThrows(() => resNetCifar({ depth: 10, outputs: 2 }), RangeError, "must be 6 n + 2");
});

Deno.test("resNet() refuses depths it has no plan for", () => {
  for (const depth of [19, 0, -18]) assertThrows(() => resNet({ depth }), RangeError, `depth is ${depth}`);
});

Deno.test("gridPolicy() has one logit per cell and no weight that knows where a cell is", () => {
  const graph = gridPolicy({ side: 64, rows: 16, columns: 16 });
  assertEquals(outputShapes(graph), { logits: [-1, 256] });
  const bigger = gridPolicy({ side: 128, rows: 32, columns: 32 });
  assertEquals(parameterCount(bigger), parameterCount(graph));
  assertThrows(() => gridPolicy({ side: 60, rows: 16, columns: 16 }), RangeError, "a power of two apart");
  assertThrows(() => gridPolicy({ side: 64, rows: 16, columns: 8 }), RangeError, "must be square");
});

Deno.test("patchReader() says evidence, and logits that are never negative", () => {
  const graph = patchReader({ side: 48, classes: 9 });
  assertEquals(outputShapes(graph), { evidence: [-1, 9], logits: [-1, 9] });
  const logits = graph.nodes.find(({ id }) => id === graph.outputs[1]!.id)!;
  assertEquals([logits.op, logits.inputs[0]], ["relu", graph.outputs[0]!.id]);
});
