/**
 * Cases of operations on images: windows, padding, strides, dilation, groups; pooling; resampling.
 *
 * @module
 */
import type { GraphBuilder, Id, Pads } from "../../core/graph/mod.ts";
import { image, list, type Options } from "./case.ts";

const { cases, add } = list();

// Convolutions: window, stride, padding of every kind.
for (
  const [note, [h, w, c], options, batch] of [
    ["3 x 3, pad 1", [5, 7, 3], { filters: 4, kernel: 3, pad: 1 }],
    ["1 x 1", [5, 7, 3], { filters: 2, kernel: 1 }],
    ["no padding", [6, 5, 2], { filters: 3, kernel: 3 }],
    ["stride 2, odd sides", [7, 5, 3], { filters: 4, kernel: 3, stride: 2, pad: 1 }],
    ["stride 2, even sides, TensorFlow padding", [6, 8, 2], {
      filters: 3,
      kernel: 3,
      stride: 2,
      pad: [0, 0, 1, 1],
    }],
    ["1 x 1, stride 2", [5, 6, 3], { filters: 2, kernel: 1, stride: 2 }],
    ["1 x 1, stride 3, even sides", [6, 8, 2], { filters: 2, kernel: 1, stride: 3 }],
    ["7 x 7, stride 2, pad 3", [9, 8, 2], { filters: 2, kernel: 7, stride: 2, pad: 3 }],
    ["5 x 3 window", [6, 6, 2], { filters: 2, kernel: [5, 3], pad: [2, 1, 2, 1] }],
    ["asymmetric padding", [5, 5, 2], { filters: 2, kernel: 3, pad: [2, 0, 1, 3] }],
    ["asymmetric padding, stride 2", [6, 5, 2], { filters: 2, kernel: 3, stride: 2, pad: [1, 2, 0, 1] }],
    ["padding wider than the window", [3, 4, 1], { filters: 2, kernel: 1, pad: [1, 2, 0, 1] }],
    ["dilation 2", [7, 6, 2], { filters: 3, kernel: 3, pad: 2, dilation: 2 }],
    ["dilation 1 x 3, asymmetric", [5, 8, 2], { filters: 2, kernel: [1, 3], pad: [0, 3, 0, 2], dilation: 3 }],
    ["dilation 2, stride 2", [9, 8, 2], { filters: 2, kernel: 3, stride: 2, pad: 2, dilation: 2 }],
    ["2 groups", [5, 5, 4], { filters: 6, kernel: 3, pad: 1, groups: 2 }],
    ["as many groups as channels", [5, 4, 3], { filters: 3, kernel: 3, pad: 1, groups: 3 }],
    ["2 groups, stride 2, dilation 2", [8, 7, 4], {
      filters: 4,
      kernel: 3,
      stride: 2,
      pad: 2,
      dilation: 2,
      groups: 2,
    }],
    ["2 groups, stride 2, odd sides", [7, 5, 4], { filters: 4, kernel: 3, stride: 2, pad: 1, groups: 2 }],
    ["2 groups, one pixel, batch of 1", [1, 1, 4], { filters: 2, kernel: 3, pad: 1, groups: 2 }, 1],
    ["one pixel", [1, 1, 3], { filters: 4, kernel: 3, pad: 1 }],
    ["one pixel, stride 2", [1, 1, 2], { filters: 2, kernel: 3, stride: 2, pad: 1 }],
    ["window as large as the image", [4, 3, 2], { filters: 3, kernel: [4, 3] }],
    ["batch of 1", [5, 5, 2], { filters: 3, kernel: 3, pad: 1 }, 1],
    ["batch of 5", [3, 3, 2], { filters: 3, kernel: 3, pad: 1 }, 5],
    ["one channel in and out", [4, 4, 1], { filters: 1, kernel: 3, pad: 1 }],
  ] as [string, [number, number, number], Parameters<GraphBuilder["conv"]>[2], number?][]
) {
  add("conv", note, (b) => b.conv("c", image(b, h, w, c), options), { batch: batch ?? 2 });
}
add("conv", "result is read twice, once by a bias", (b) => {
  const x = b.conv("c", image(b), { filters: 4, kernel: 3, pad: 1 });
  return b.node("add", "sum", [x, b.bias("c", x)], null);
});
add("conv", "result is an output and is read by a bias", (b) => {
  const x = b.conv("c", image(b), { filters: 2, kernel: 3, pad: 1 });
  b.output("before", x);
  b.output("after", b.bias("c", x));
});
add("conv", "two of them share a filter", (b) => {
  const x = b.conv("c", image(b, 5, 5, 2), { filters: 2, kernel: 3, pad: 1 });
  return b.node("conv", "again", [x, "c.weight"], {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    groups: 1,
  });
});

for (
  const [note, [h, w, c], options, batch] of [
    ["3 x 3, pad 1", [5, 7, 3], { kernel: 3, pad: 1 }],
    ["2 filters a channel", [5, 4, 3], { kernel: 3, pad: 1, filters: 2 }],
    ["stride 2, odd sides", [7, 5, 2], { kernel: 3, stride: 2, pad: 1 }],
    ["stride 2, even sides, TensorFlow padding", [6, 8, 3], { kernel: 3, stride: 2, pad: [0, 0, 1, 1] }],
    ["stride 2, even sides, 2 filters a channel", [6, 6, 2], { kernel: 3, stride: 2, pad: 1, filters: 2 }],
    ["5 x 5", [6, 6, 2], { kernel: 5, pad: 2 }],
    ["asymmetric padding", [5, 5, 2], { kernel: 3, pad: [2, 0, 1, 3] }],
    ["dilation 2", [7, 6, 2], { kernel: 3, pad: 2, dilation: 2 }],
    ["one pixel", [1, 1, 3], { kernel: 3, pad: 1 }],
    ["one channel", [5, 5, 1], { kernel: 3, pad: 1 }],
    ["no padding, batch of 1", [4, 5, 2], { kernel: 3 }, 1],
    ["stride 2, batch of 1", [5, 6, 2], { kernel: 3, stride: 2, pad: 1 }, 1],
    ["one pixel, stride 2", [1, 1, 2], { kernel: 3, stride: 2, pad: 1 }],
  ] as [string, [number, number, number], Parameters<GraphBuilder["depthwise"]>[2], number?][]
) {
  add("depthwise", note, (b) => b.depthwise("d", image(b, h, w, c), options), { batch: batch ?? 2 });
}

for (const op of ["averagePool", "maxPool"] as const) {
  for (
    const [note, [h, w, c], window, stride, pads, batch] of [
      ["2 x 2, stride 2", [6, 4, 3], [2, 2], 2, [0, 0, 0, 0]],
      ["2 x 2, stride 2, odd sides", [5, 7, 2], [2, 2], 2, [0, 0, 0, 0]],
      ["3 x 3, stride 2, pad 1", [7, 6, 2], [3, 3], 2, [1, 1, 1, 1]],
      ["3 x 3, stride 1, pad 1", [4, 5, 2], [3, 3], 1, [1, 1, 1, 1]],
      ["3 x 2, asymmetric padding", [5, 5, 2], [3, 2], 1, [2, 0, 1, 1]],
      ["TensorFlow padding", [6, 6, 2], [3, 3], 2, [0, 0, 1, 1]],
      ["one pixel", [1, 1, 2], [3, 3], 2, [1, 1, 1, 1]],
      ["whole image", [4, 3, 2], [4, 3], 1, [0, 0, 0, 0]],
      ["stride 2, batch of 1", [5, 4, 2], [2, 2], 2, [0, 0, 0, 0], 1],
    ] as [string, [number, number, number], [number, number], number, Pads, number?][]
  ) {
    add(
      op,
      note,
      (b) => b.node(op, "y0", [image(b, h, w, c)], { window, strides: [stride, stride], pads }),
      { batch: batch ?? 2 },
    );
  }
}
add(
  "maxPool",
  "padding never wins over negative pixels",
  (b) =>
    b.node("maxPool", "y0", [image(b, 2, 2, 1)], { window: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }),
  {
    batch: 1,
    set: { x: [-4, -3, -2, -1] },
  },
);
for (const op of ["globalAveragePool", "globalMaxPool"] as const) {
  add(op, "5 x 7", (b) => b.unary(op, image(b), "y0"));
  add(op, "one pixel, batch of 1", (b) => b.unary(op, image(b, 1, 1, 4), "y0"), { batch: 1 });
  add(
    op,
    "of a convolution",
    (b) => b.unary(op, b.conv("c", image(b), { filters: 2, kernel: 3, pad: 1 }), "y0"),
  );
}

for (
  const [note, h, w, size] of [
    ["twice as large", 3, 4, [6, 8]],
    ["5 to 7 and 3", 5, 5, [7, 3]],
    ["6 to 4: whole source positions", 6, 6, [4, 4]],
    ["half", 8, 6, [4, 3]],
    ["to one pixel", 5, 4, [1, 1]],
    ["from one pixel", 1, 1, [3, 2]],
    ["same size", 3, 4, [3, 4]],
    ["49 to 21 and 28", 49, 49, [21, 28]],
  ] as [string, number, number, [number, number]][]
) {
  // The large one is about rounding of positions: one channel is enough.
  const options: Options = h > 9 ? { batch: 1, fixed: ["x"] } : {};
  const x = (b: GraphBuilder): Id => image(b, h, w, h > 9 ? 1 : 2);
  add("resizeNearest", note, (b) => b.node("resizeNearest", "y0", [x(b)], { size }), options);
  for (const alignCorners of [0, 1] as const) {
    const how = alignCorners === 1 ? "corners" : "half pixels";
    for (const op of ["resizeBilinear", "resizeBicubic"] as const) {
      add(op, `${note}, ${how}`, (b) => b.node(op, "y0", [x(b)], { size, alignCorners }), options);
    }
  }
}
add(
  "resizeNearest",
  "of a convolution",
  (b) => b.node("resizeNearest", "y0", [b.conv("c", image(b), { filters: 2, kernel: 1 })], { size: [3, 9] }),
);

/** The list. */
export const IMAGE_CASES = cases;
