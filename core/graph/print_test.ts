import { assertEquals, assertNotEquals } from "@std/assert/mod.js";
import { GraphBuilder } from "./builder.ts";
import { print } from "./print.ts";

function small(stride: number) {
  const b = new GraphBuilder("small");
  const x = b.conv("c", b.input("x", [4, 4, 3]), { filters: 2, kernel: 3, stride, pad: 1 });
  b.output("logits", b.dense("fc", b.unary("globalAveragePool", x, "pool"), { units: 5, biasFill: -1 }));
  return b.build();
}

Deno.test("print() writes one node per line with attributes and shape", () => {
  assertEquals(
    print(small(2)),
    `graph small
  input x: N x 4 x 4 x 3
  param c.weight: 3 x 3 x 3 x 2
  param fc.weight: 2 x 5
  param fc.bias: 5 = -1
  c = conv(x, c.weight) strides=[2,2] pads=[1,1,1,1] dilations=[1,1] groups=1: N x 2 x 2 x 2
  pool = globalAveragePool(c): N x 2
  fc = dense(pool, fc.weight, fc.bias): N x 5
  output logits = fc
`,
  );
});

Deno.test("print() is equal for equal graphs, JSON's copy among them, and different for others", () => {
  assertEquals(print(JSON.parse(JSON.stringify(small(2)))), print(small(2)));
  assertNotEquals(print(small(1)), print(small(2)));
});

Deno.test("print() indents the body of a branch", () => {
  const body = new GraphBuilder("body");
  body.output("out", body.unary("relu", body.input("in", [3]), "r"));
  const b = new GraphBuilder("gated");
  const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
  const x = b.input("x", [3]);
  b.output("y", b.node("branch", "maybe", [gate, x, x], { body: body.build() }));
  assertEquals(print(b.build()).split("\n").slice(3), [
    "  gate = reshape(g) shape=[]: N",
    "  maybe = branch(gate, x, x): N x 3",
    "    graph body",
    "      input in: N x 3",
    "      r = relu(in): N x 3",
    "      output out = r",
    "  output y = maybe",
    "",
  ]);
});
