import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { fromBinary } from "@bufbuild/protobuf";
import { type Graph, GraphBuilder, initialize } from "../graph/mod.ts";
import { stream } from "../random.ts";
import { toOnnx } from "./mod.ts";
import { type GraphProto, ModelProtoSchema } from "./onnx_pb.ts";

function network(graph: Graph) {
  return { graph, weights: initialize(graph, (id) => stream(1, id)) };
}

function proto(bytes: Uint8Array): GraphProto {
  return fromBinary(ModelProtoSchema, bytes).graph!;
}

const ops = (graph: GraphProto): string[] => graph.node.map(({ opType }) => opType);

function convolutions(): Graph {
  const b = new GraphBuilder("convolutions");
  let x = b.input("image", [8, 8, 3]);
  for (const name of ["a", "b", "c"]) {
    x = b.unary("relu", b.conv(name, x, { filters: 4, kernel: 3, pad: 1, bias: true }), `${name}.relu`);
  }
  b.output("features", x);
  return b.build();
}

Deno.test("toOnnx() transposes once at each end of a chain of convolutions and puts biases into them", () => {
  assertEquals(ops(proto(toOnnx(network(convolutions())))), [
    "Transpose",
    "Conv",
    "Relu",
    "Conv",
    "Relu",
    "Conv",
    "Relu",
    "Transpose",
  ]);
});

Deno.test("toOnnx() gives equal bytes for equal networks, other bytes for other weights", () => {
  const [one, two] = [network(convolutions()), network(convolutions())];
  assertEquals(toOnnx(one), toOnnx(two));
  const [name, x] = [...two.weights][0]!;
  const other = { ...two, weights: new Map(two.weights).set(name, { ...x, data: x.data.map((v) => v + 1) }) };
  assert(toOnnx(one).some((byte, i) => byte !== toOnnx(other)[i]));
});

Deno.test("toOnnx() writes metadata in the order of keys, version and document", () => {
  const model = network(convolutions());
  const bytes = toOnnx(model, {
    metadata: { b: "2", a: "1" },
    producerVersion: "1.2.3",
    doc: "text",
    opset: 18,
  });
  assertEquals(
    bytes,
    toOnnx(model, { metadata: { a: "1", b: "2" }, producerVersion: "1.2.3", doc: "text", opset: 18 }),
  );
  const read = fromBinary(ModelProtoSchema, bytes);
  assertEquals(read.metadataProps.map(({ key, value }) => [key, value]), [["a", "1"], ["b", "2"]]);
  assertEquals([read.producerName, read.producerVersion, read.docString], ["saccade", "1.2.3", "text"]);
  assertEquals([read.irVersion, read.opsetImport[0]!.version], [8n, 18n]);
});

Deno.test("toOnnx() names the batch axis N and keeps names and layout of inputs and outputs", () => {
  const { input, output } = proto(toOnnx(network(convolutions())));
  const sides = [...input, ...output].map(({ name, type }) => [
    name,
    ...(type!.value.value!.shape!.dim.map(({ value }) => String(value.value))),
  ]);
  assertEquals(sides, [["image", "N", "8", "8", "3"], ["features", "N", "8", "8", "4"]]);
});

Deno.test("toOnnx() writes weights raw and little-endian, filters as O I h w", () => {
  const b = new GraphBuilder("one");
  b.output("y", b.conv("c", b.input("x", [2, 2, 2]), { filters: 1, kernel: [1, 2] }));
  // [h=1, w=2, I=2, O=1]: taps (0,0) channel 0, channel 1, then tap (0,1): O I h w reads 1 3 2 4.
  const weights = new Map([["c.weight", { shape: [1, 2, 2, 1], data: Float32Array.of(1, 2, 3, 4) }]]);
  const [filter] = proto(toOnnx({ graph: b.build(), weights })).initializer;
  assertEquals([filter!.name, filter!.dims, filter!.dataType], ["c.weight", [1n, 2n, 1n, 2n], 1]);
  const view = new DataView(filter!.rawData.buffer, filter!.rawData.byteOffset);
  assertEquals([0, 4, 8, 12].map((at) => view.getFloat32(at, true)), [1, 3, 2, 4]);
});

Deno.test("toOnnx() keeps a bias out of a convolution that somebody else reads", () => {
  const b = new GraphBuilder("shared");
  const x = b.conv("c", b.input("x", [2, 2, 2]), { filters: 2, kernel: 1 });
  b.output("y", b.node("add", "sum", [x, b.bias("c", x)], null));
  assertEquals(ops(proto(toOnnx(network(b.build())))), ["Transpose", "Conv", "Add", "Add", "Transpose"]);
});

Deno.test("toOnnx() puts the body of a branch inside If, nothing of it outside", () => {
  const body = new GraphBuilder("body");
  const { params: _, ...rest } = (() => {
    const x = body.input("in", [4, 4, 2]);
    body.output("out", body.conv("c", x, { filters: 2, kernel: 3, pad: 1 }));
    return body.build();
  })();
  const inner = { ...rest, params: [], inputs: [...rest.inputs, { id: "c.weight", shape: [3, 3, 2, 2] }] };
  const b = new GraphBuilder("gated");
  const x = b.input("x", [4, 4, 2]);
  const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
  b.output("y", b.node("branch", "y", [gate, x, x, b.param("w", [3, 3, 2, 2])], { body: inner }));
  const graph = proto(toOnnx(network(b.build())));
  assert(!ops(graph).includes("Conv"));
  const { attribute } = graph.node.find(({ opType }) => opType === "If")!;
  assertEquals(attribute.map(({ name, g }) => [name, ops(g!).includes("Conv")]), [
    ["then_branch", true],
    ["else_branch", false],
  ]);
  assertEquals(ops(attribute[1]!.g!), ["Identity"]);
  assertEquals(graph.initializer.filter(({ name }) => name === "w").length, 1);
});

Deno.test("toOnnx() refuses what it cannot write: computed filters, missing weights, outputs named like inputs", () => {
  const b = new GraphBuilder("computed");
  const w = b.node("add", "w", [b.param("p", [1, 1, 3, 4]), b.param("q", [1, 1, 3, 4])], null);
  b.output(
    "y",
    b.node("conv", "c", [b.input("x", [2, 2, 3]), w], {
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      dilations: [1, 1],
      groups: 1,
    }),
  );
  assertThrows(
    () => toOnnx(network(b.build())),
    RangeError,
    'node "c" (conv): filters, weights and statistics',
  );
  assertThrows(() => toOnnx({ graph: convolutions(), weights: new Map() }), RangeError, "is missing");
  const same = new GraphBuilder("same");
  same.output("x", same.unary("relu", same.input("x", [2]), "y"));
  assertThrows(() => toOnnx(network(same.build())), RangeError, 'output "x" has the name of an input');
});
