/**
 * Cases of operations on any rank: per channel, per number, sums, joins, cuts, other shapes.
 *
 * @module
 */
import type { GraphBuilder, Id } from "../../core/graph/mod.ts";
import { image, list } from "./case.ts";

const { cases, add } = list();

// Everything per channel, in every rank.
const RANKS: readonly (readonly number[])[] = [[6], [5, 6], [4, 3, 6]];
for (const shape of RANKS) {
  const note = `rank ${shape.length + 1}`;
  const x = (b: GraphBuilder): Id => b.input("x", shape);
  add("dense", note, (b) => b.dense("fc", x(b), { units: 4 }));
  add("bias", note, (b) => b.bias("b", x(b)));
  add("batchNorm", note, (b) => b.batchNorm("bn", x(b)));
  add("batchNorm", `${note}, training`, (b) => b.batchNorm("bn", x(b), { epsilon: 1e-3 }), {
    training: true,
    batch: 3,
  });
  add(
    "layerNorm",
    note,
    (b) =>
      b.node("layerNorm", "ln", [x(b), b.param("ln.weight", [6]), b.param("ln.bias", [6])], {
        epsilon: 1e-6,
      }),
  );
  add("softmax", note, (b) => b.unary("softmax", x(b), "s"), { scale: 4 });
}
add("dense", "one feature, one unit, batch of 1", (b) => b.dense("fc", b.input("x", [1]), { units: 1 }), {
  batch: 1,
});
add(
  "bias",
  "after a convolution",
  (b) => b.conv("c", image(b), { filters: 4, kernel: 3, pad: 1, bias: true }),
);
add(
  "bias",
  "after a depthwise convolution",
  (b) => b.depthwise("d", image(b), { kernel: 3, pad: 1, bias: true }),
);
add("bias", "twice after a convolution", (b) => {
  const x = b.conv("c", image(b), { filters: 2, kernel: 1, bias: true });
  return b.bias("more", x);
});
add("batchNorm", "one pixel, batch of 1", (b) => b.batchNorm("bn", image(b, 1, 1, 4)), { batch: 1 });
add(
  "batchNorm",
  "after a convolution, large epsilon",
  (b) => b.batchNorm("bn", b.conv("c", image(b), { filters: 4, kernel: 3, pad: 1 }), { epsilon: 0.1 }),
);
add(
  "batchNorm",
  "after a convolution, training",
  (b) => b.batchNorm("bn", b.conv("c", image(b), { filters: 4, kernel: 3, pad: 1 })),
  { training: true },
);
add("softmax", "far from zero", (b) => b.unary("softmax", b.input("x", [5]), "s"), { scale: 80 });
add("dropout", "identity outside training", (b) => {
  const x = b.node("dropout", "drop", [b.input("x", [6])], { rate: 0.5 });
  return b.dense("fc", x, { units: 3 });
});
add("dropout", "between a convolution and a bias that are read elsewhere", (b) => {
  const x = b.conv("c", image(b), { filters: 2, kernel: 3, pad: 1 });
  const y = b.bias("c", b.node("dropout", "drop", [x], { rate: 0.2 }));
  return b.node("mul", "product", [x, y], null);
});

// Functions of one number; the range covers both bends of each.
for (
  const op of ["relu", "relu6", "silu", "hardSwish", "hardSigmoid", "sigmoid", "tanh", "gelu"] as const
) {
  add(op, "rank 2", (b) => b.unary(op, b.input("x", [40]), "y0"), { scale: 9 });
  add(op, "image", (b) => b.unary(op, image(b, 3, 2, 3), "y0"), { scale: 9, batch: 1 });
  add(
    op,
    "after a convolution",
    (b) => b.unary(op, b.conv("c", image(b), { filters: 2, kernel: 3, pad: 1 }), "y0"),
  );
}

for (const op of ["add", "mul"] as const) {
  const two = (note: string, left: readonly number[], right: readonly number[]): void =>
    add(op, note, (b) => b.node(op, "y0", [b.input("a", left), b.input("b", right)], null));
  two("same shape", [3, 4, 2], [3, 4, 2]);
  two("rank 2", [5], [5]);
  two("one row of the right", [3, 4], [1, 4]);
  two("per channel", [3, 4, 2], [1, 1, 2]);
  two("per pixel", [3, 4, 2], [3, 4, 1]);
  two("both stretch", [3, 1, 2], [1, 4, 2]);
  two("left stretches", [1, 1, 2], [3, 4, 2]);
  add(op, "a value and itself", (b) => {
    const x = b.input("x", [4]);
    return b.node(op, "y0", [x, x], null);
  });
  add(
    op,
    "a parameter for all rows",
    (b) => b.node(op, "y0", [b.input("x", [3, 4]), b.param("p", [1, 3, 4])], null),
  );
  add(op, "a parameter and a convolution", (b) =>
    b.node(op, "y0", [
      b.param("p", [1, 1, 1, 4]),
      b.conv("c", image(b), { filters: 4, kernel: 3, pad: 1 }),
    ], null));
  add(op, "a convolution and an input", (b) => {
    const x = image(b, 5, 7, 3);
    return b.node(op, "y0", [b.conv("c", x, { filters: 3, kernel: 3, pad: 1 }), x], null);
  });
}

add("concat", "channels of convolutions", (b) => {
  const x = image(b);
  const parts = [1, 2, 3].map((filters) => b.conv(`c${filters}`, x, { filters, kernel: 1 }));
  return b.node("concat", "y0", parts, { axis: 3 });
});
for (const axis of [1, 2, 3]) {
  add("concat", `images along axis ${axis}`, (b) =>
    b.node("concat", "y0", [
      b.input("p", [3, 4, 2].with(axis - 1, 5)),
      b.input("q", [3, 4, 2].with(axis - 1, 1)),
    ], { axis }));
}
add("concat", "rank 2", (b) => b.node("concat", "y0", [b.input("p", [3]), b.input("q", [2])], { axis: 1 }));
add("concat", "one value", (b) => b.node("concat", "y0", [b.input("p", [3, 2])], { axis: 2 }));
add("concat", "a value and itself", (b) => {
  const x = b.input("x", [2, 3]);
  return b.node("concat", "y0", [x, x], { axis: 1 });
});

add(
  "pad",
  "channels, after a convolution",
  (b) =>
    b.node("pad", "y0", [b.conv("c", image(b), { filters: 2, kernel: 1 })], {
      before: [0, 0, 0, 1],
      after: [0, 0, 0, 2],
      value: 0,
    }),
);
add(
  "pad",
  "pixels with a value",
  (b) => b.node("pad", "y0", [image(b, 2, 3, 2)], { before: [0, 1, 0, 0], after: [0, 2, 3, 0], value: 1.5 }),
);
add(
  "pad",
  "rank 2",
  (b) => b.node("pad", "y0", [b.input("x", [3])], { before: [0, 2], after: [0, 1], value: -1 }),
);
add(
  "pad",
  "nothing",
  (b) => b.node("pad", "y0", [b.input("x", [3])], { before: [0, 0], after: [0, 0], value: 1 }),
);
add(
  "slice",
  "box of an image",
  (b) => b.node("slice", "y0", [image(b, 5, 6, 4)], { begin: [0, 1, 2, 0], size: [-1, 3, 4, 4] }),
);
add(
  "slice",
  "channels of a convolution",
  (b) =>
    b.node("slice", "y0", [b.conv("c", image(b), { filters: 5, kernel: 1 })], {
      begin: [0, 0, 0, 2],
      size: [-1, 5, 7, 2],
    }),
);
add(
  "slice",
  "one position of a sequence",
  (b) => b.node("slice", "y0", [b.input("x", [4, 3])], { begin: [0, 3, 0], size: [-1, 1, 3] }),
);
add(
  "slice",
  "everything",
  (b) => b.node("slice", "y0", [b.input("x", [4, 3])], { begin: [0, 0, 0], size: [-1, 4, 3] }),
);
for (
  const [note, h, w, strides] of [
    ["odd sides", 5, 7, [2, 2]],
    ["even sides", 6, 4, [2, 2]],
    ["unequal steps", 7, 8, [2, 3]],
    ["one pixel", 1, 1, [2, 2]],
    ["only columns", 3, 5, [1, 2]],
  ] as const
) {
  add("subsample", note, (b) => b.node("subsample", "y0", [image(b, h, w, 2)], { strides }));
}
add(
  "subsample",
  "of a convolution",
  (b) => b.node("subsample", "y0", [b.conv("c", image(b), { filters: 2, kernel: 1 })], { strides: [2, 2] }),
);

add("reshape", "image to vector", (b) => b.node("reshape", "y0", [image(b, 3, 2, 4)], { shape: [24] }));
add(
  "reshape",
  "convolution to vector: pixels first, channels last",
  (b) =>
    b.node("reshape", "y0", [b.conv("c", image(b, 3, 2, 2), { filters: 4, kernel: 1 })], { shape: [24] }),
);
add(
  "reshape",
  "vector to image",
  (b) =>
    b.conv("c", b.node("reshape", "y0", [b.input("x", [24])], { shape: [3, 2, 4] }), {
      filters: 2,
      kernel: 1,
    }),
);
add("reshape", "image to sequence", (b) => b.node("reshape", "y0", [image(b, 3, 2, 4)], { shape: [6, 4] }));
add(
  "reshape",
  "to one number, batch of 1",
  (b) => b.node("reshape", "y0", [image(b, 1, 1, 1)], { shape: [1] }),
  {
    batch: 1,
  },
);
add("transpose", "sequence", (b) => b.node("transpose", "y0", [b.input("x", [3, 4])], { order: [0, 2, 1] }));
add("transpose", "image", (b) => b.node("transpose", "y0", [image(b, 2, 3, 4)], { order: [0, 3, 1, 2] }));
add(
  "transpose",
  "a convolution",
  (b) =>
    b.node("transpose", "y0", [b.conv("c", image(b, 2, 3, 2), { filters: 4, kernel: 1 })], {
      order: [0, 2, 3, 1],
    }),
);

/** The list. */
export const PLAIN_CASES = cases;
