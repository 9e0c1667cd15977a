import { assertEquals } from "@std/assert/mod.js";
import { area, intersect, outward, whole } from "./boxes.ts";

Deno.test("intersect() gives the common part, whichever box comes first", () => {
  const a = { x: 0, y: 0, w: 10, h: 6 };
  const b = { x: 7, y: 2, w: 10, h: 10 };
  assertEquals(intersect(a, b), { x: 7, y: 2, w: 3, h: 4 });
  assertEquals(intersect(b, a), intersect(a, b));
});

Deno.test("intersect() gives nothing for boxes that only share an edge, because boxes are half-open", () => {
  const a = { x: 0, y: 0, w: 4, h: 4 };
  assertEquals(intersect(a, { x: 4, y: 0, w: 4, h: 4 }), undefined);
  assertEquals(intersect(a, { x: 0, y: 4, w: 4, h: 4 }), undefined);
  assertEquals(intersect(a, { x: 9, y: 9, w: 1, h: 1 }), undefined);
});

Deno.test("outward() holds the box in whole pixels and forgives rounding errors", () => {
  assertEquals(outward({ x: 1.2, y: 1.9, w: 2.1, h: 0.2 }), { x: 1, y: 1, w: 3, h: 2 });
  assertEquals(outward({ x: 1 - 1e-9, y: 2, w: 3 + 2e-9, h: 4 }), { x: 1, y: 2, w: 3, h: 4 });
});

Deno.test("area() of whole() is the number of pixels", () => {
  assertEquals(area(whole({ width: 7, height: 5 })), 35);
});
