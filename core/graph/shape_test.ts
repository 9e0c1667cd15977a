import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { GraphBuilder, samePads } from "./builder.ts";
import type { Shape } from "./graph.ts";
import type { OpName, Ops } from "./ops.ts";
import { elementsOf } from "./shape.ts";

/** Shape of one operation on inputs of these shapes (without the batch). */
function shapeOf<K extends OpName>(
  op: K,
  attrs: Ops[K]["attrs"],
  inputs: readonly Shape[],
  params: readonly Shape[] = [],
): Shape {
  const b = new GraphBuilder("one");
  const ids = [
    ...inputs.map((shape, i) => b.input(`x${i}`, shape)),
    ...params.map((shape, i) => b.param(`p${i}`, shape)),
  ];
  return b.shape(b.node(op, "y", ids as unknown as Ops[K]["inputs"], attrs));
}

const sliding = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;

Deno.test("conv: sides are floor((side + pads - reach) / stride) + 1", () => {
  const side = (height: number, kernel: number, stride: number, pad: number, dilation = 1): number =>
    shapeOf(
      "conv",
      {
        strides: [stride, 1],
        pads: [pad, 0, pad, 0],
        dilations: [dilation, 1],
        groups: 1,
      },
      [[height, 1, 1]],
      [[kernel, 1, 1, 1]],
    )[1]!;
  assertEquals(
    [side(32, 3, 1, 1), side(32, 3, 2, 1), side(33, 3, 2, 1), side(224, 7, 2, 3), side(7, 3, 1, 2, 2)],
    [32, 16, 17, 112, 7],
  );
  assertEquals([side(1, 3, 2, 1), side(5, 1, 3, 0)], [1, 2]);
});

Deno.test("conv: refuses windows that do not fit, channels and groups that do not match", () => {
  const conv = (x: Shape, w: Shape, attrs: Partial<Ops["conv"]["attrs"]> = {}) => () =>
    shapeOf("conv", { ...sliding, ...attrs }, [x], [w]);
  assertThrows(conv([2, 2, 1], [3, 3, 1, 1]), RangeError, "window of 3 does not fit into side 2");
  assertThrows(conv([4, 4, 3], [3, 3, 2, 1]), RangeError, "input has 3 channels");
  assertThrows(
    conv([4, 4, 4], [3, 3, 2, 3], { groups: 2 }),
    RangeError,
    "3 filters do not split into 2 groups",
  );
  assertThrows(conv([4, 4, 4], [3, 3, 4, 3], { strides: [0, 1] }), RangeError, "does not fit");
  assertThrows(conv([4, 4, 4], [3, 3, 4, 3], { pads: [-1, 0, 0, 0] }), RangeError, "does not fit");
  assertThrows(conv([4, 4], [3, 3, 4, 3]), RangeError, "rank 3, must be 4");
});

Deno.test("samePads() keeps ceil(side / stride) pixels and puts the odd one at the bottom and right", () => {
  assertEquals(samePads([224, 224], 3, 2), [0, 0, 1, 1]);
  assertEquals(samePads([5, 8], 3, 2), [1, 0, 1, 1]);
  assertEquals(samePads([4, 4], [1, 2], 1), [0, 0, 0, 1]);
  for (const side of [1, 2, 7, 8, 15]) {
    for (const stride of [1, 2, 3]) {
      const pads = samePads([side, side], 3, stride);
      const out = shapeOf("conv", { ...sliding, strides: [stride, stride], pads }, [[side, side, 1]], [[
        3,
        3,
        1,
        1,
      ]]);
      assertEquals(out[1], Math.ceil(side / stride), `side ${side}, stride ${stride}`);
    }
  }
});

Deno.test("depthwise, dense, gruCell, attention and matMul refuse what does not match", () => {
  assertEquals(shapeOf("depthwise", sliding, [[4, 4, 3]], [[3, 3, 3, 2]]), [-1, 2, 2, 6]);
  assertThrows(
    () => shapeOf("depthwise", sliding, [[4, 4, 3]], [[3, 3, 2, 1]]),
    RangeError,
    "input has 3 channels",
  );
  assertEquals(shapeOf("dense", null, [[5, 3]], [[3, 7], [7]]), [-1, 5, 7]);
  assertThrows(() => shapeOf("dense", null, [[5, 3]], [[4, 7], [7]]), RangeError, "input has 3 features");
  assertThrows(() => shapeOf("dense", null, [[3]], [[3, 7], [6]]), RangeError, "bias is [6], must be [7]");
  const gru = (w: Shape) => () => shapeOf("gruCell", null, [[5], [4]], [w, [4, 12], [12], [12]]);
  assertEquals(gru([5, 12])(), [-1, 4]);
  assertThrows(gru([5, 4]), RangeError, "input weight is [5,4], must be [5,12]");
  assertEquals(shapeOf("matMul", null, [[2, 3], [3, 4]]), [-1, 2, 4]);
  assertThrows(() => shapeOf("matMul", null, [[2, 3], [4, 4]]), RangeError, "inner sides 3 and 4 differ");
  assertEquals(shapeOf("attention", { heads: 2 }, [[3, 4], [5, 4], [5, 4]]), [-1, 3, 4]);
  assertThrows(
    () => shapeOf("attention", { heads: 3 }, [[3, 4], [5, 4], [5, 4]]),
    RangeError,
    "4 features do not split into 3 heads",
  );
});

Deno.test("add and mul stretch sides of 1 both ways and nothing else", () => {
  assertEquals(shapeOf("add", null, [[3, 1, 2], [1, 4, 2]]), [-1, 3, 4, 2]);
  assertThrows(() => shapeOf("mul", null, [[3, 2], [3, 4]]), RangeError, "do not stretch");
  assertThrows(() => shapeOf("add", null, [[3, 2], [2]]), RangeError, "has rank 2, must be 3");
});

Deno.test("concat, pad, slice, transpose and reduceMean leave the batch alone", () => {
  assertEquals(shapeOf("concat", { axis: 2 }, [[3, 1], [3, 4]]), [-1, 3, 5]);
  assertThrows(() => shapeOf("concat", { axis: 0 }, [[3], [3]]), RangeError, "axis is 0, must be in 1 to 1");
  assertThrows(() => shapeOf("concat", { axis: 1 }, [[3, 1], [3, 4]]), RangeError, "without axis 1");
  assertEquals(shapeOf("pad", { before: [0, 1], after: [0, 2], value: 0 }, [[3]]), [-1, 6]);
  assertThrows(
    () => shapeOf("pad", { before: [1, 0], after: [0, 0], value: 0 }, [[3]]),
    RangeError,
    "the batch cannot be padded",
  );
  assertEquals(shapeOf("slice", { begin: [0, 1], size: [-1, 2] }, [[3]]), [-1, 2]);
  assertThrows(
    () => shapeOf("slice", { begin: [0, 2], size: [-1, 2] }, [[3]]),
    RangeError,
    "axis 1 of 3 has no slice 2 + 2",
  );
  assertThrows(
    () => shapeOf("slice", { begin: [0, 0], size: [1, 3] }, [[3]]),
    RangeError,
    "batch is taken whole",
  );
  assertEquals(shapeOf("transpose", { order: [0, 3, 1, 2] }, [[4, 5, 6]]), [-1, 6, 4, 5]);
  assertThrows(() => shapeOf("transpose", { order: [1, 0] }, [[4]]), RangeError, "the batch stays first");
  assertThrows(() => shapeOf("transpose", { order: [0, 1, 1] }, [[4, 5]]), RangeError, "sorted order");
  assertEquals(shapeOf("reduceMean", { axes: [1, 2] }, [[4, 5, 6]]), [-1, 1, 1, 6]);
  assertThrows(() => shapeOf("reduceMean", { axes: [0] }, [[4]]), RangeError, "axes [0] must be in 1 to 1");
});

Deno.test("pools refuse padding as wide as the window, subsample rounds up, reshape counts", () => {
  const pool = (pad: number) => () =>
    shapeOf("averagePool", { window: [2, 2], strides: [2, 2], pads: [pad, 0, 0, 0] }, [[5, 4, 1]]);
  assertEquals(pool(1)(), [-1, 3, 2, 1]);
  assertThrows(pool(2), RangeError, "must be smaller than the window [2,2]");
  assertEquals(shapeOf("subsample", { strides: [2, 3] }, [[5, 7, 1]]), [-1, 3, 3, 1]);
  assertEquals(shapeOf("reshape", { shape: [6, 2] }, [[3, 4]]), [-1, 6, 2]);
  assertThrows(
    () => shapeOf("reshape", { shape: [5] }, [[3, 4]]),
    RangeError,
    "[-1,3,4] cannot be read as [-1,5]",
  );
  assertThrows(() => shapeOf("resizeNearest", { size: [0, 2] }, [[3, 4, 1]]), RangeError, "at least 1 x 1");
  assertThrows(() => shapeOf("dropout", { rate: 1 }, [[3]]), RangeError, "must be in [0, 1)");
});

Deno.test("elementsOf() counts one batch element", () => {
  assertEquals([elementsOf([-1, 2, 3]), elementsOf([4, 2]), elementsOf([-1])], [6, 8, 1]);
});
