import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { cellCount, centerOrder, frameOf, type Grid, patchBox, patchSide } from "./grid.ts";

const CIFAR: Grid = { rows: 4, columns: 4, cell: 8, halo: 0 };
const WIDE: Grid = { rows: 3, columns: 5, cell: 32, halo: 8 };

Deno.test("patchBox() numbers cells row by row", () => {
  assertEquals(patchBox(CIFAR, 1), { x: 8, y: 0, w: 8, h: 8 });
  assertEquals(patchBox(CIFAR, 4), { x: 0, y: 8, w: 8, h: 8 });
  assertEquals(patchBox(WIDE, 6), { x: 24, y: 24, w: 48, h: 48 });
});

Deno.test("patchBox() without a halo covers every pixel of the frame exactly once", () => {
  const { width, height } = frameOf(CIFAR);
  const covered = new Uint8Array(width * height);
  for (let cell = 0; cell < cellCount(CIFAR); cell++) {
    const { x, y, w, h } = patchBox(CIFAR, cell);
    for (let row = y; row < y + h; row++) {
      for (let column = x; column < x + w; column++) covered[row * width + column]! += 1;
    }
  }
  assert(covered.every((times) => times === 1));
});

Deno.test("patchBox() with a halo has one size, stays inside the frame and holds its cell", () => {
  const { width, height } = frameOf(WIDE);
  for (let cell = 0; cell < cellCount(WIDE); cell++) {
    const { x, y, w, h } = patchBox(WIDE, cell);
    assertEquals([w, h], [patchSide(WIDE), patchSide(WIDE)]);
    assert(x >= 0 && y >= 0 && x + w <= width && y + h <= height, `cell ${cell} leaves the frame`);
    const [left, top] = [cell % 5 * 32, Math.floor(cell / 5) * 32];
    assert(x <= left && y <= top && x + w >= left + 32 && y + h >= top + 32, `cell ${cell} is cut off`);
  }
});

Deno.test("patchBox() refuses a cell that is not there", () => {
  for (const cell of [-1, 16, 1.5, NaN]) {
    assertThrows(() => patchBox(CIFAR, cell), RangeError, "must be in 0 to 15");
  }
});

Deno.test("centerOrder() starts in the middle, ends in the corners and breaks ties row by row", () => {
  const order = [...centerOrder(CIFAR)];
  assertEquals(order.slice(0, 4), [5, 6, 9, 10]);
  assertEquals(order.slice(-4), [0, 3, 12, 15]);
  assertEquals([...order].sort((a, b) => a - b), Array.from({ length: 16 }, (_, k) => k));
  assertEquals(centerOrder(WIDE)[0], 7);
});
