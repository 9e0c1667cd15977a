import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import type { Box } from "./boxes.ts";
import { cutOf, type Fit, toFrame, toPicture, type View, viewOf } from "./view.ts";

const FITS: readonly Fit[] = ["cover", "contain", "stretch"];
const FRAME = { width: 64, height: 64 };

function assertBox(actual: Box, expected: Box): void {
  for (const key of ["x", "y", "w", "h"] as const) assertAlmostEquals(actual[key], expected[key], 1e-6, key);
}

/** Pictures of all proportions, regions of them, boxes of the frame. */
function* examples(count: number): Generator<{ view: View; box: Box; fit: Fit }> {
  const random = stream(5, "views");
  const integer = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
  for (let i = 0; i < count; i++) {
    const picture = { width: integer(1, 900), height: integer(1, 900) };
    const [x, y] = [integer(0, picture.width - 1), integer(0, picture.height - 1)];
    const region = { x, y, w: integer(1, picture.width - x), h: integer(1, picture.height - y) };
    const fit = FITS[i % 3]!;
    const view = i % 2 === 0 ? viewOf(picture, FRAME, fit) : viewOf(picture, FRAME, fit, region);
    const side = integer(1, 32);
    yield { view, fit, box: { x: integer(0, 64 - side), y: integer(0, 64 - side), w: side, h: side } };
  }
}

Deno.test("toFrame() undoes toPicture() for every fit, picture and region", () => {
  for (const { view, box } of examples(300)) assertBox(toFrame(view, toPicture(view, box)), box);
});

Deno.test("viewOf() is the identity when picture and frame agree", () => {
  for (const fit of FITS) {
    assertBox(toPicture(viewOf(FRAME, FRAME, fit), { x: 3, y: 5, w: 7, h: 9 }), { x: 3, y: 5, w: 7, h: 9 });
  }
});

Deno.test("viewOf() covers by cutting the longer side evenly, contains by leaving a border, stretches to the corners", () => {
  const picture = { width: 200, height: 100 };
  const all = { x: 0, y: 0, w: 64, h: 64 };
  assertBox(toPicture(viewOf(picture, FRAME, "cover"), all), { x: 50, y: 0, w: 100, h: 100 });
  assertBox(toPicture(viewOf(picture, FRAME, "contain"), all), { x: 0, y: -50, w: 200, h: 200 });
  assertBox(toPicture(viewOf(picture, FRAME, "stretch"), all), { x: 0, y: 0, w: 200, h: 100 });
});

Deno.test("viewOf() refuses a region that is not inside the picture", () => {
  const picture = { width: 20, height: 10 };
  for (const region of [[0, 0, 21, 10], [-1, 0, 5, 5], [0, 0, 0, 5], [15, 5, 6, 5], [0, 0, NaN, 5]]) {
    const [x, y, w, h] = region as [number, number, number, number];
    assertThrows(() => viewOf(picture, FRAME, "cover", { x, y, w, h }), RangeError, "20 x 10 picture");
  }
});

Deno.test("cutOf() stays inside the picture in whole pixels and inside the patch", () => {
  let cuts = 0;
  for (const { view, box, fit } of examples(600)) {
    const size = { width: box.w, height: box.h };
    const cut = cutOf(view, box, size);
    if (cut === undefined) {
      assertEquals(fit, "contain"); // only a contained picture leaves frame uncovered
      continue;
    }
    cuts += 1;
    const { box: { x, y, w, h }, at, size: shown } = cut;
    assert([x, y, w, h].every(Number.isInteger) && w >= 1 && h >= 1, `${JSON.stringify(cut)}`);
    assert(x >= 0 && y >= 0 && x + w <= view.picture.width && y + h <= view.picture.height);
    assert(at.x >= 0 && at.y >= 0, JSON.stringify(cut));
    assert(shown.width >= 1 && shown.height >= 1, JSON.stringify({ cut, size }));
    assert(at.x + shown.width <= size.width && at.y + shown.height <= size.height);
  }
  assert(cuts > 400);
});

Deno.test("cutOf() shows nothing of a patch in the border of a contained picture", () => {
  const view = viewOf({ width: 128, height: 32 }, FRAME, "contain"); // covers rows 24 to 40 of the frame
  const size = { width: 16, height: 16 };
  assertEquals(cutOf(view, { x: 0, y: 0, w: 16, h: 16 }, size), undefined);
  assertEquals(cutOf(view, { x: 0, y: 16, w: 16, h: 16 }, size), {
    box: { x: 0, y: 0, w: 32, h: 16 },
    size: { width: 16, height: 8 },
    at: { x: 0, y: 8 },
  });
});

Deno.test("cutOf() leaves a pixel of a picture that reaches a patch by less than half of one", () => {
  const view = viewOf({ width: 1, height: 100 }, FRAME, "contain"); // 0.64 px wide, from 31.68 to 32.32
  const size = { width: 16, height: 16 };
  for (const [x, at] of [[16, 15], [32, 0]] as const) {
    const cut = cutOf(view, { x, y: 0, w: 16, h: 16 }, size);
    assertEquals(cut?.size, { width: 1, height: 16 });
    assertEquals(cut?.at, { x: at, y: 0 });
  }
});
