import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { create, toBinary } from "@bufbuild/protobuf";
import { GraphBuilder, initialize } from "../graph/mod.ts";
import { stream } from "../random.ts";
import { readOnnx, toOnnx } from "./mod.ts";
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, NodeProtoSchema } from "./onnx_pb.ts";

function small(): Uint8Array<ArrayBuffer> {
  const b = new GraphBuilder("small");
  const x = b.conv("c", b.input("image", [3, 3, 2]), { filters: 2, kernel: 3, bias: true });
  b.output("logits", b.dense("fc", b.unary("globalAveragePool", x), { units: 3 }));
  const graph = b.build();
  return toOnnx({ graph, weights: initialize(graph, (id) => stream(1, id)) }, {
    metadata: { licence: "MIT" },
    producerVersion: "0.1.0",
  });
}

Deno.test("readOnnx() reports what the file says", () => {
  assertEquals(readOnnx(small()), {
    name: "small",
    producer: "saccade 0.1.0",
    irVersion: 8,
    opset: 17,
    metadata: { licence: "MIT" },
    inputs: [{ name: "image", shape: [-1, 3, 3, 2] }],
    outputs: [{ name: "logits", shape: [-1, 3] }],
    ops: { Transpose: 1, Conv: 1, ReduceMean: 1, Gemm: 1 },
    // 3*3*2*2 + 2 in the convolution, 2*3 + 3 in the product
    parameters: 47,
    // one position of 2 values over 18 products, then 2 * 3
    macs: 42,
  });
});

Deno.test("readOnnx() says null for multiply-accumulates it cannot know", () => {
  const model = { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }] };
  const graph = {
    name: "g",
    node: [{ opType: "MatMul", input: ["a", "b"], output: ["y"] }],
    output: [{ name: "y" }],
  };
  const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { ...model, graph }));
  assertEquals(readOnnx(bytes).macs, null);
});

Deno.test("readOnnx() refuses or reads every truncation and every flipped bit, and throws only SyntaxError", () => {
  const bytes = small();
  let refused = 0;
  const attempt = (hostile: Uint8Array): void => {
    try {
      readOnnx(hostile);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      assert(error.message.startsWith("Cannot read ONNX: "), error.message);
      refused++;
    }
  };
  for (let length = 0; length < bytes.length; length++) attempt(bytes.subarray(0, length));
  assert(refused > bytes.length / 2);
  const random = stream(1, "flips");
  for (let i = 0; i < 2000; i++) {
    const copy = bytes.slice();
    copy[Math.floor(random() * copy.length)]! ^= 1 << Math.floor(random() * 8);
    attempt(copy);
  }
});

Deno.test("readOnnx() refuses branches nested without end", () => {
  let graph: GraphProto = create(GraphProtoSchema, {
    name: "leaf",
    node: [create(NodeProtoSchema, { opType: "Relu" })],
  });
  for (let depth = 0; depth < 20; depth++) {
    const attribute = [{ name: "then_branch", g: graph, type: 5 }];
    graph = create(GraphProtoSchema, {
      name: "g",
      node: [{ opType: "If", attribute }],
      output: [{ name: "y" }],
    });
  }
  const bytes = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }], graph }),
  );
  assertThrows(() => readOnnx(bytes), SyntaxError, "nested deeper than 16");
});

Deno.test("readOnnx() refuses nesting that would exhaust the stack, and constants of impossible size", () => {
  // Field 7 of the model is the graph; field 1 a node; field 5 an attribute; field 6 a graph again. Built from the inside.
  let bytes = new Uint8Array(0);
  const wrap = (tag: number): void => {
    const size: number[] = [];
    for (let rest = bytes.length;; rest >>>= 7) {
      size.push(rest > 127 ? rest & 127 | 128 : rest);
      if (rest <= 127) break;
    }
    const next = new Uint8Array(1 + size.length + bytes.length);
    next.set([tag, ...size]);
    next.set(bytes, 1 + size.length);
    bytes = next;
  };
  for (let depth = 0; depth < 3000; depth++) [0x32, 0x2a, 0x0a].forEach(wrap);
  wrap(0x3a);
  assertThrows(() => readOnnx(bytes), SyntaxError, "Cannot read ONNX");
  const graph = {
    name: "g",
    node: [{ opType: "Relu", input: ["c"], output: ["y"] }],
    output: [{ name: "y" }],
    initializer: [{ name: "c", dims: [2n ** 40n, 2n ** 40n], dataType: 1 }],
  };
  const huge = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }], graph });
  assertThrows(() => readOnnx(toBinary(ModelProtoSchema, huge)), SyntaxError, "impossible sides");
});

Deno.test("readOnnx() refuses files without graph, version or operator set", () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array([8, 8]), new TextEncoder().encode("not a model")]) {
    assertThrows(() => readOnnx(bytes), SyntaxError);
  }
});
