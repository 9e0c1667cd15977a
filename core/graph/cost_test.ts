import { assertEquals } from "@std/assert/mod.js";
import { GraphBuilder } from "./builder.ts";
import { costOf, opCounts, parameterCount, shapeText } from "./cost.ts";

Deno.test("costOf() counts products: output values times what each sums over", () => {
  const b = new GraphBuilder("conv");
  b.output(
    "y",
    b.conv("c", b.input("x", [4, 4, 6]), { filters: 8, kernel: 3, pad: 1, groups: 2, bias: true }),
  );
  const graph = b.build();
  // 4*4*8 outputs, each over 3*3 taps of 3 channels; bias and batch are free
  assertEquals(costOf(graph).macs, 128 * 27);
  // reads and writes: x 96, filter 216, y 128 (convolution) and y 128, bias 8, y 128 (bias), 4 bytes each
  assertEquals(costOf(graph).bytes, 4 * (96 + 216 + 128 + 128 + 8 + 128));
  assertEquals(parameterCount(graph), 216 + 8);
});

Deno.test("costOf() knows depthwise, dense, matMul, attention and gruCell", () => {
  const macs = (build: (b: GraphBuilder) => string): number => {
    const b = new GraphBuilder("one");
    b.output("y", build(b));
    return costOf(b.build()).macs;
  };
  // 2*2 positions of 6 channels over 9 taps
  assertEquals(macs((b) => b.depthwise("d", b.input("x", [4, 4, 3]), { kernel: 3, filters: 2 })), 4 * 6 * 9);
  assertEquals(macs((b) => b.dense("d", b.input("x", [5, 3]), { units: 7 })), 5 * 3 * 7);
  assertEquals(
    macs((b) => b.node("matMul", "m", [b.input("p", [2, 3]), b.input("q", [3, 4])], null)),
    2 * 3 * 4,
  );
  // scores 3*5 over 4 features, then 3*4 values over 5 positions; the number of heads does not matter
  for (const heads of [1, 2]) {
    assertEquals(
      macs((b) =>
        b.node("attention", "a", [b.input("q", [3, 4]), b.input("k", [5, 4]), b.input("v", [5, 4])], {
          heads,
        })
      ),
      3 * 5 * 4 * 2,
    );
  }
  assertEquals(
    macs((b) =>
      b.node("gruCell", "g", [
        b.input("x", [5]),
        b.input("h", [4]),
        b.param("wi", [5, 12]),
        b.param("wh", [4, 12]),
        b.param("bi", [12]),
        b.param("bh", [12]),
      ], null)
    ),
    5 * 12 + 4 * 12,
  );
});

Deno.test("costOf() and opCounts() take every branch", () => {
  const body = new GraphBuilder("body");
  const x = body.input("in", [3]);
  const w = body.param("w", [3, 3]);
  body.output("out", body.node("dense", "d", [x, w, body.param("b", [3])], null));
  const { params, ...rest } = body.build();
  const b = new GraphBuilder("gated");
  const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
  const value = b.input("x", [3]);
  b.output(
    "y",
    b.node("branch", "maybe", [gate, value, value, b.param("w", [3, 3]), b.param("b", [3])], {
      body: { ...rest, params: [], inputs: [...rest.inputs, ...params] },
    }),
  );
  const graph = b.build();
  assertEquals(costOf(graph).macs, 9);
  assertEquals(opCounts(graph), { reshape: 1, branch: 1, dense: 1 });
});

Deno.test("shapeText() writes N for the batch", () => {
  assertEquals([shapeText([-1, 2, 3]), shapeText([]), shapeText([5])], ["N x 2 x 3", "scalar", "5"]);
});
