import { normalizationTable, normalizeInto } from "../../core/policy/mod.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { raster } from "../../core/image/raster.ts";
import { augment, augmentationStream, CIFAR_NORMALIZATION, drawPadCropFlip } from "./augment.ts";

/** A picture whose red channel counts its pixels from 1. */
function counted(width: number, height: number) {
  const out = raster(width, height);
  for (let i = 0; i < width * height; i++) out.data[i * 3] = i + 1;
  return out;
}

const reds = (data: Uint8Array): number[] => [...data.filter((_, i) => i % 3 === 0)];

Deno.test("augment() pad-crop-flip moves by whole pixels into black and mirrors", () => {
  const draws = [0.99, 0.4, 0.1]; // left 1, top 0, mirrored
  const out = augment(counted(3, 2), { kind: "pad-crop-flip", paddingPx: 1 }, () => draws.shift()!);
  // columns 1, 2, outside; mirrored as the picture's own columns: (2 - x) + 1
  assertEquals(reds(out.data), [0, 3, 2, 0, 6, 5]);
});

Deno.test("drawPadCropFlip() reaches every offset and both sides, about evenly", () => {
  const counts = new Map<string, number>();
  for (let index = 0; index < 1800; index++) {
    const { left, top, mirrored } = drawPadCropFlip(1, augmentationStream({ seed: 1, epoch: 0, index }));
    const key = `${left},${top},${mirrored}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assertEquals(counts.size, 18);
  for (const [key, count] of counts) assert(count > 60 && count < 140, `${key}: ${count}`);
});

Deno.test("augmentationStream() depends on seed, epoch and index", () => {
  const first = (seed: number, epoch: number, index: number): number =>
    augmentationStream({ seed, epoch, index })();
  assertEquals(first(1, 2, 3), first(1, 2, 3));
  assertEquals(
    new Set([first(1, 2, 3), first(2, 2, 3), first(1, 3, 3), first(1, 2, 4), first(1, 3, 2)]).size,
    5,
  );
});

Deno.test("augment() random-resized-crop has its size and stays in the picture's range", () => {
  const picture = raster(50, 40, new Uint8Array(50 * 40 * 3).fill(77));
  for (let index = 0; index < 50; index++) {
    const random = augmentationStream({ seed: 1, epoch: 0, index });
    const out = augment(picture, { kind: "random-resized-crop", sizePx: 16 }, random);
    assertEquals([out.width, out.height], [16, 16]);
    assert(out.data.every((value) => value === 77));
  }
});

Deno.test("augment() center-crop takes the middle of the short side's square", () => {
  const picture = raster(8, 4);
  for (let y = 0; y < 4; y++) for (let x = 0; x < 8; x++) picture.data[(y * 8 + x) * 3] = x;
  const out = augment(picture, { kind: "center-crop", resizePx: 4, sizePx: 2 }, () => 0);
  assertEquals(reds(out.data), [3, 4, 3, 4]);
});

Deno.test("normalizeInto() is (p / 255 - mean) / std per channel", () => {
  const out = new Float32Array(6);
  const table = normalizationTable(CIFAR_NORMALIZATION);
  normalizeInto(out, 3, Uint8Array.of(255, 0, 123), table);
  // (255 - 125.3) / 63, -123 / 62.1, (123 - 113.9) / 66.7
  assertAlmostEquals(out[3]!, 2.058730, 1e-5);
  assertAlmostEquals(out[4]!, -1.980676, 1e-5);
  assertAlmostEquals(out[5]!, 0.136432, 1e-5);
  assertEquals([...out.subarray(0, 3)], [0, 0, 0]);
});
