import { assertAlmostEquals, assertEquals, assertStrictEquals, assertThrows } from "@std/assert/mod.js";
import { argmax, concatRows, pick, rows, sigmoid, sizeOf, softmax, tensor } from "./tensor.ts";

Deno.test("tensor() is zeros unless told otherwise and refuses data of another size", () => {
  assertEquals(tensor([2, 3]).data, new Float32Array(6));
  assertEquals(tensor([]).data.length, 1);
  assertEquals(sizeOf([4, 0, 2]), 0);
  assertThrows(
    () => tensor([2, 3], new Float32Array(5)),
    RangeError,
    "Cannot make tensor: data has 5 values, shape [2,3] needs 6",
  );
});

Deno.test("pick() names what there is when asked for something else", () => {
  assertEquals(pick({ logits: 1 }, "logits"), 1);
  assertThrows(
    () => pick({ logits: 1, value: 2 }, "policy"),
    RangeError,
    'Cannot read "policy": there is logits, value',
  );
  assertThrows(() => pick({}, "x"), RangeError, "there is nothing");
});

Deno.test("rows() shares memory, keeps the other axes and refuses rows outside", () => {
  const x = tensor([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  const part = rows(x, 1, 3);
  assertEquals(part, tensor([2, 2], Float32Array.of(3, 4, 5, 6)));
  assertStrictEquals(part.data.buffer, x.data.buffer);
  assertEquals(rows(x, 1, 1).shape, [0, 2]);
  for (const [from, to] of [[-1, 2], [0, 4], [2, 1]] as const) {
    assertThrows(() => rows(x, from, to), RangeError, "tensor has 3");
  }
});

Deno.test("concatRows() undoes rows() and refuses what does not fit", () => {
  const x = tensor([3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  assertEquals(concatRows([rows(x, 0, 1), rows(x, 1, 3)]), x);
  assertThrows(() => concatRows([]), RangeError, "there are none");
  assertThrows(() => concatRows([x, tensor([3, 3])]), RangeError, "shapes [3,3] and [3,2] differ");
});

Deno.test("softmax() sums to 1 far from zero and flattens with temperature", () => {
  // e^0 : e^ln3 = 1 : 3
  const values = softmax([1000, 1000 + Math.log(3)]);
  assertAlmostEquals(values[0]!, 0.25, 1e-6);
  assertAlmostEquals(values[1]!, 0.75, 1e-6);
  // twice the temperature takes the root of the ratio
  const warm = softmax([0, Math.log(9)], 2);
  assertAlmostEquals(warm[1]! / warm[0]!, 3, 1e-5);
});

Deno.test("argmax() takes the first of equals, -1 of nothing; sigmoid() is the logistic function", () => {
  assertEquals([argmax([1, 3, 3]), argmax([]), argmax(Float32Array.of(-2, -1))], [1, -1, 1]);
  assertEquals([sigmoid(0), sigmoid(-1000), sigmoid(1000)], [0.5, 0, 1]);
  assertAlmostEquals(sigmoid(Math.log(3)), 0.75, 1e-12);
});
