import { assert, assertEquals } from "@std/assert/mod.js";
import { crop } from "../geometry/mod.ts";
import { type Raster, raster } from "../image/raster.ts";
import { stream } from "../random.ts";
import { type DeviceModel, deviceView, glanceOf, patchOf } from "./device.ts";

const MODEL: DeviceModel = {
  frame: { width: 32, height: 32 },
  glance: { width: 8, height: 8, resample: "area" },
  fit: "cover",
};

function noise(width: number, height: number): Raster {
  const random = stream(2, `${width}x${height}`);
  return raster(width, height, Uint8Array.from({ length: width * height * 3 }, () => 256 * random()));
}

const flat = (width: number, height: number, value: number): Raster =>
  raster(width, height, new Uint8Array(width * height * 3).fill(value));

const square = (side: number) => ({ width: side, height: side });

Deno.test("patchOf() is a plain crop where picture and frame agree", () => {
  const picture = noise(32, 32);
  const box = { x: 8, y: 16, w: 8, h: 8 };
  assertEquals(
    patchOf(picture, deviceView(picture, MODEL), { box, size: square(8) }),
    crop(picture, box),
  );
});

Deno.test("patchOf() has the size the model wants, whatever the size and proportions of the picture", () => {
  for (const fit of ["cover", "contain", "stretch"] as const) {
    for (const [width, height] of [[64, 64], [100, 30], [30, 100], [1, 1], [3, 500]] as const) {
      const picture = noise(width, height);
      const view = deviceView(picture, { ...MODEL, fit });
      for (let cell = 0; cell < 16; cell++) {
        const box = { x: 8 * (cell % 4), y: 8 * Math.floor(cell / 4), w: 8, h: 8 };
        const patch = patchOf(picture, view, { box, size: square(8) });
        assertEquals([patch.width, patch.height], [8, 8]);
      }
      const glance = glanceOf(picture, { ...MODEL, fit });
      assertEquals([glance.width, glance.height], [8, 8]);
    }
  }
});

Deno.test("patchOf() and glanceOf() show middle grey around a contained picture, and nothing else there", () => {
  const picture = flat(64, 32, 200); // covers rows 8 to 24 of the frame
  const model: DeviceModel = { ...MODEL, fit: "contain" };
  const view = deviceView(picture, model);
  const patch = (y: number): Raster =>
    patchOf(picture, view, { box: { x: 8, y, w: 8, h: 8 }, size: square(8) });
  assert(patch(0).data.every((value) => value === 128));
  assert(patch(8).data.every((value) => value === 200));
  assertEquals(new Set(patch(4).data.subarray(0, 4 * 8 * 3)), new Set([128]));
  assertEquals(new Set(patch(4).data.subarray(4 * 8 * 3)), new Set([200]));
  const glance = glanceOf(picture, model);
  const rows = Array.from({ length: 8 }, (_, y) => glance.data[y * 24]);
  assertEquals(rows, [128, 128, 200, 200, 200, 200, 128, 128]);
});

Deno.test("glanceOf() keeps the mean of a picture that covers the frame", () => {
  const picture = noise(64, 64);
  const mean = ({ data }: Raster): number => data.reduce((sum, value) => sum + value, 0) / data.length;
  assert(Math.abs(mean(glanceOf(picture, MODEL)) - mean(picture)) < 0.5);
});
