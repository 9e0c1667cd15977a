/**
 * Cases of what is made of several products, of branches, and of whole little networks.
 *
 * @module
 */
import { type Graph, GraphBuilder, type Id } from "../../core/graph/mod.ts";
import { image, list } from "./case.ts";

const { cases, add } = list();

function gru(b: GraphBuilder, inputs: number, units: number): Id {
  return b.node("gruCell", "cell", [
    b.input("x", [inputs]),
    b.input("h", [units]),
    b.param("weight_ih", [inputs, 3 * units]),
    b.param("weight_hh", [units, 3 * units]),
    b.param("bias_ih", [3 * units]),
    b.param("bias_hh", [3 * units]),
  ], null);
}
add("gruCell", "5 inputs, 4 units", (b) => gru(b, 5, 4));
add("gruCell", "one input, one unit, batch of 1", (b) => gru(b, 1, 1), { batch: 1 });
add(
  "matMul",
  "3 x 4 by 4 x 2",
  (b) => b.node("matMul", "y0", [b.input("a", [3, 4]), b.input("b", [4, 2])], null),
);
add(
  "matMul",
  "row by column, batch of 1",
  (b) => b.node("matMul", "y0", [b.input("a", [1, 5]), b.input("b", [5, 1])], null),
  { batch: 1 },
);
for (
  const [note, heads, t, s, d] of [
    ["1 head", 1, 3, 3, 4],
    ["2 heads, more keys than queries", 2, 2, 5, 6],
    ["as many heads as features", 4, 3, 2, 4],
    ["one position", 2, 1, 1, 4],
  ] as const
) {
  add(
    "attention",
    note,
    (b) =>
      b.node("attention", "y0", [b.input("q", [t, d]), b.input("k", [s, d]), b.input("v", [s, d])], {
        heads,
      }),
    {
      scale: 2,
    },
  );
}
add("attention", "of a value with itself", (b) => {
  const x = b.input("x", [4, 6]);
  return b.node("attention", "y0", [x, x, x], { heads: 3 });
});
for (const axes of [[1], [2], [3], [1, 2], [2, 3], [1, 2, 3]]) {
  add("reduceMean", `image, axes ${axes}`, (b) => b.node("reduceMean", "y0", [image(b)], { axes }));
}
add("reduceMean", "rank 2", (b) => b.node("reduceMean", "y0", [b.input("x", [6])], { axes: [1] }));
add(
  "reduceMean",
  "axes 3 and 1 of a convolution",
  (b) => b.node("reduceMean", "y0", [b.conv("c", image(b), { filters: 4, kernel: 1 })], { axes: [3, 1] }),
);

/** A residual block as BlockDrop gates it; its parameters are passed in. */
function block(side: number, channels: number): Graph {
  const b = new GraphBuilder("block");
  const x = b.input("in", [side, side, channels]);
  const plain = (id: Id, shape: readonly number[]): Id => b.param(id, shape);
  const w = plain("w", [3, 3, channels, channels]);
  const [scale, offset, mean, variance] = ["scale", "offset", "mean", "variance"].map((id) =>
    plain(id, [channels])
  ) as [Id, Id, Id, Id];
  const conv = b.node("conv", "conv", [x, w], {
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    groups: 1,
  });
  const norm = b.node("batchNorm", "norm", [conv, scale, offset, mean, variance], {
    epsilon: 1e-5,
    momentum: 0.1,
  });
  b.output("out", b.unary("relu", b.node("add", "sum", [norm, x], null), "relu"));
  const { params, ...graph } = b.build();
  return { ...graph, params: [], inputs: [...graph.inputs, ...params] };
}
for (
  const [note, gates] of [
    ["some rows", [1, 0, 0.7, 0.5]],
    ["no row", [0, 0.5, 0.2, -1]],
    ["every row", [1, 1, 0.51, 2]],
    ["one row, closed", [0]],
    ["one row, open", [1]],
  ] as const
) {
  add("branch", `${note}, residual blocks one after another`, (b) => {
    let x = b.conv("stem", image(b, 4, 4, 2), { filters: 3, kernel: 3, pad: 1 });
    const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
    for (const name of ["one", "two"]) {
      const params = ["w", "scale", "offset", "mean", "variance"].map((id) =>
        b.param(`${name}.${id}`, id === "w" ? [3, 3, 3, 3] : [3])
      );
      x = b.node("branch", name, [gate, x, x, ...params], { body: block(4, 3) });
    }
    return x;
  }, { batch: gates.length, set: { g: gates }, fixed: ["g"] });
}
add("branch", "vectors, with another value in place of closed rows", (b) => {
  const body = new GraphBuilder("body");
  body.output("out", body.unary("tanh", body.input("in", [3]), "t"));
  const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
  return b.node("branch", "y0", [gate, b.input("other", [3]), b.input("x", [3])], { body: body.build() });
}, { set: { g: [0, 1] }, fixed: ["g"] });
add("branch", "inside a branch", (b) => {
  const inner = new GraphBuilder("inner");
  inner.output("out", inner.unary("tanh", inner.input("in", [3]), "t"));
  const outer = new GraphBuilder("outer");
  const x = outer.input("in", [3]);
  const gate = outer.node("reshape", "gate", [outer.input("g", [1])], { shape: [] });
  outer.output("out", outer.node("branch", "t", [gate, x, x], { body: inner.build() }));
  const g = b.input("g", [1]);
  const first = b.node("reshape", "gate", [g], { shape: [] });
  const value = b.input("x", [3]);
  const doubled = b.node("add", "doubled", [value, value], null);
  return b.node("branch", "t", [first, value, doubled, b.input("h", [1])], { body: outer.build() });
}, { set: { g: [0, 1], h: [1, 1] }, fixed: ["g", "h"] });

// Whole little networks: layouts, names, several outputs.
add("add", "an input shown as it is, and twice", (b) => {
  const x = image(b, 2, 3, 2);
  const sum = b.node("add", "sum", [x, x], null);
  b.output("same", x);
  b.output("sum", sum);
  b.output("again", sum);
});
add("relu", "output with the name of another value", (b) => {
  const x = b.conv("c", image(b, 3, 3, 2), { filters: 2, kernel: 1 });
  b.output("z", b.unary("relu", x, "y0"));
  b.output("y0", b.unary("tanh", x, "z"));
});
add("mul", "squeeze and excitation", (b) => {
  const x = b.conv("c", image(b, 5, 5, 3), { filters: 4, kernel: 3, stride: 2, pad: 1, bias: true });
  const squeezed = b.node("reduceMean", "mean", [x], { axes: [1, 2] });
  const inner = b.unary("relu", b.conv("down", squeezed, { filters: 2, kernel: 1, bias: true }));
  const gates = b.unary("hardSigmoid", b.conv("up", inner, { filters: 4, kernel: 1, bias: true }));
  return b.node("mul", "y0", [x, gates], null);
});
add("attention", "on the pixels of a convolution and back", (b) => {
  const x = b.conv("c", image(b, 4, 4, 3), { filters: 4, kernel: 2, stride: 2 });
  const tokens = b.node("reshape", "tokens", [x], { shape: [4, 4] });
  const placed = b.node("add", "placed", [tokens, b.param("position", [1, 4, 4])], null);
  const normed = b.node("layerNorm", "ln", [placed, b.param("ln.weight", [4]), b.param("ln.bias", [4])], {
    epsilon: 1e-5,
  });
  const mixed = b.node("attention", "mixed", [normed, normed, normed], { heads: 2 });
  const back = b.node("reshape", "back", [mixed], { shape: [2, 2, 4] });
  return b.conv("out", b.node("add", "sum", [x, back], null), { filters: 2, kernel: 1 });
});

/** The list. */
export const NETWORK_CASES = cases;
