import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import { GraphBuilder } from "./builder.ts";
import { initialize, isDecayed, isTrainable, rolesOf } from "./init.ts";

function network(extra = false) {
  const b = new GraphBuilder("net");
  let x = b.batchNorm("bn", b.conv("c", b.input("x", [8, 8, 16]), { filters: 64, kernel: 3, bias: true }));
  if (extra) x = b.conv("extra", x, { filters: 64, kernel: 1 });
  b.output("y", b.dense("fc", b.unary("globalAveragePool", x), { units: 50, biasFill: 2 }));
  return b.build();
}

Deno.test("rolesOf() says what every parameter is for, through branches too", () => {
  assertEquals(Object.fromEntries(rolesOf(network())), {
    "c.weight": "conv",
    "c.bias": "bias",
    "bn.weight": "scale",
    "bn.bias": "offset",
    "bn.running_mean": "mean",
    "bn.running_var": "variance",
    "fc.weight": "dense",
    "fc.bias": "bias",
  });
  const body = new GraphBuilder("body");
  const x = body.input("in", [3]);
  body.output("out", body.node("dense", "d", [x, body.param("w", [3, 3]), body.param("b", [3])], null));
  const { params, ...rest } = body.build();
  const b = new GraphBuilder("gated");
  const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
  const value = b.input("x", [3]);
  b.output(
    "y",
    b.node("branch", "maybe", [gate, value, value, b.param("one", [3, 3]), b.param("two", [3])], {
      body: { ...rest, params: [], inputs: [...rest.inputs, ...params] },
    }),
  );
  assertEquals(Object.fromEntries(rolesOf(b.build())), { one: "dense", two: "bias" });
});

Deno.test("isTrainable() leaves out statistics, isDecayed() everything but products", () => {
  const roles = [
    "conv",
    "depthwise",
    "dense",
    "recurrent",
    "bias",
    "scale",
    "offset",
    "mean",
    "variance",
  ] as const;
  assertEquals(roles.filter(isDecayed), ["conv", "depthwise", "dense", "recurrent"]);
  assertEquals(roles.filter((role) => !isTrainable(role)), ["mean", "variance"]);
});

Deno.test("initialize() draws filters with deviation sqrt(2 / fan out), products within 1 / sqrt(fan in)", () => {
  const weights = initialize(network(), (id) => stream(1, id));
  const filter = weights.get("c.weight")!.data;
  const deviation = Math.sqrt(filter.reduce((sum, value) => sum + value * value, 0) / filter.length);
  // 3 * 3 * 64 outputs; 9216 draws know the deviation within 1 %
  assertAlmostEquals(deviation / Math.sqrt(2 / 576), 1, 0.03);
  const product = weights.get("fc.weight")!.data;
  const most = product.reduce((high, value) => Math.max(high, Math.abs(value)), 0);
  assert(most <= 1 / 8 && most > 0.99 / 8, String(most));
});

Deno.test("initialize() fills: norms 1 and 0, biases 0 or what is asked for", () => {
  const weights = initialize(network(), (id) => stream(1, id));
  const only = (id: string): number[] => [...new Set(weights.get(id)!.data)];
  assertEquals(
    ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "c.bias", "fc.bias"].map(only),
    [[1], [0], [0], [1], [0], [2]],
  );
});

Deno.test("initialize() gives a parameter the same values whatever else is in the graph", () => {
  const [small, large] = [network(false), network(true)].map((graph) =>
    initialize(graph, (id) => stream(1, id))
  );
  for (const [id, value] of small!) assertEquals(large!.get(id), value, id);
});
