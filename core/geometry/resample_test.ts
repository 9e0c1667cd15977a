import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import { type Raster, raster } from "../image/raster.ts";
import { crop, resample, resampleFloat } from "./resample.ts";

/** A grey picture of one row. */
function row(...values: number[]): Raster {
  return raster(values.length, 1, Uint8Array.from(values.flatMap((value) => [value, value, value])));
}

function reds(picture: Raster): number[] {
  return Array.from(picture.data.filter((_, i) => i % 3 === 0));
}

function noise(width: number, height: number): Raster {
  const random = stream(1, "noise");
  return raster(
    width,
    height,
    Uint8Array.from({ length: width * height * 3 }, () => Math.floor(256 * random())),
  );
}

Deno.test("resample() nearest takes floor(out * in / size), as PyTorch's interpolate", () => {
  // 5 -> 3: floor(0), floor(5/3), floor(10/3); 3 -> 5: floor(0.6 i)
  assertEquals(reds(resample(row(10, 20, 30, 40, 50), { width: 3, height: 1, method: "nearest" })), [
    10,
    20,
    40,
  ]);
  assertEquals(reds(resample(row(10, 20, 30), { width: 5, height: 1, method: "nearest" })), [
    10,
    10,
    20,
    20,
    30,
  ]);
});

Deno.test("resample() area is the exact mean, also of pixels it covers in part", () => {
  // 3 -> 2: (10 + 20/2) / 1.5 = 13.33, (20/2 + 40) / 1.5 = 33.33
  assertEquals(reds(resample(row(10, 20, 40), { width: 2, height: 1, method: "area" })), [13, 33]);
  // 2 -> 1 with a half: (0 + 1) / 2 rounds up
  assertEquals(reds(resample(row(0, 1), { width: 1, height: 1, method: "area" })), [1]);
});

Deno.test("resample() area follows a box with fractional corners", () => {
  // [0.5, 2): half of the first, all of the second
  const box = { x: 0.5, y: 0, w: 1.5, h: 1 };
  assertEquals(reds(resample(row(30, 90, 200), { box, width: 1, height: 1, method: "area" })), [70]);
});

Deno.test("resample() bilinear widens its triangle when shrinking", () => {
  // weights 0.75 0.75 0.25 over 1.75: (4 * 0.75 + 8 * 0.25) / 1.75 = 2.86; mirrored: 9.14
  assertEquals(reds(resample(row(0, 4, 8, 12), { width: 2, height: 1, method: "bilinear" })), [3, 9]);
  // enlarging: 0.75 and 0.25 between half-pixel centres
  assertEquals(reds(resample(row(0, 100), { width: 4, height: 1, method: "bilinear" })), [0, 25, 75, 100]);
});

Deno.test("resample() to the same size changes nothing, whatever the method", () => {
  const picture = noise(7, 5);
  for (const method of ["nearest", "area", "bilinear"] as const) {
    assertEquals(resample(picture, { width: 7, height: 5, method }), picture);
  }
});

Deno.test("resample() keeps the mean of a picture when the area filter divides it evenly", () => {
  const picture = noise(32, 16);
  const plane = { width: 32, height: 16, channels: 3, data: Float32Array.from(picture.data) };
  const small = resampleFloat(plane, { width: 8, height: 4, method: "area" });
  const mean = (data: Float32Array): number => data.reduce((sum, value) => sum + value, 0) / data.length;
  assertEquals(Math.abs(mean(small.data) - mean(plane.data)) < 1e-4, true);
});

Deno.test("resample() never looks outside its box", () => {
  const picture = row(255, 255, 7, 7, 255, 255);
  const box = { x: 2, y: 0, w: 2, h: 1 };
  for (const method of ["nearest", "area", "bilinear"] as const) {
    for (const width of [1, 2, 3, 5]) {
      assertEquals(reds(resample(picture, { box, width, height: 1, method })), Array(width).fill(7));
    }
  }
});

Deno.test("resample() of a box is resample() of its crop", () => {
  const picture = noise(40, 30);
  const box = { x: 5, y: 3, w: 24, h: 16 };
  for (const method of ["nearest", "area", "bilinear"] as const) {
    const size = { width: 9, height: 11, method };
    assertEquals(resample(picture, { box, ...size }), resample(crop(picture, box), size));
  }
});

Deno.test("crop() copies the pixels of its box", () => {
  const picture = noise(6, 4);
  const part = crop(picture, { x: 2, y: 1, w: 3, h: 2 });
  assertEquals([part.width, part.height], [3, 2]);
  assertEquals(part.data.slice(9, 12), picture.data.slice((2 * 6 + 2) * 3, (2 * 6 + 3) * 3));
});

Deno.test("crop() and resample() refuse boxes outside the picture and sizes of nothing", () => {
  const picture = noise(6, 4);
  assertThrows(() => crop(picture, { x: 4, y: 0, w: 3, h: 2 }), RangeError, "inside the 6 x 4");
  assertThrows(() => crop(picture, { x: 0.5, y: 0, w: 3, h: 2 }), RangeError, "integers");
  const box = { x: -1, y: 0, w: 3, h: 2 };
  assertThrows(() => resample(picture, { box, width: 2, height: 2, method: "area" }), RangeError, "inside");
  assertThrows(() => resample(picture, { width: 0, height: 2, method: "area" }), RangeError, "1 or more");
});
