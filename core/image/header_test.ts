import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { encode } from "./codec.ts";
import { ImageError } from "./error.ts";
import { sniff } from "./header.ts";
import { raster } from "./raster.ts";

function codeOf(run: () => unknown): string {
  return assertThrows(run, ImageError).code;
}

/** A JPEG up to its frame header, which says the given size. */
function jpegHeader(
  width: number,
  height: number,
  x: { marker?: number; bits?: number; components?: number } = {},
) {
  const { marker = 0xc0, bits = 8, components = 3 } = x;
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  return Uint8Array.from([0xff, 0xd8, 0xff, marker, 0, 17, bits, ...size, components, ...Array(9).fill(1)]);
}

async function pngHeader(width: number, height: number): Promise<Uint8Array> {
  const bytes = await encode(raster(1, 1), { type: "image/png" });
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

Deno.test("sniff() reads type and size of every format", async () => {
  for (const type of ["image/jpeg", "image/png", "image/webp"] as const) {
    const bytes = await encode(raster(37, 21), { type });
    assertEquals(sniff(bytes), { type, width: 37, height: 21, orientation: 1 });
  }
});

Deno.test("sniff() refuses 30,000 x 30,000 before anything is decoded", async () => {
  assertEquals(codeOf(() => sniff(jpegHeader(30_000, 30_000))), "too-large");
  const png = await pngHeader(30_000, 30_000);
  assertEquals(codeOf(() => sniff(png)), "too-large");
});

Deno.test("sniff() holds bytes, pixels and sides against their own limits", async () => {
  const bytes = await encode(raster(40, 20), { type: "image/png" });
  const limits = { maxBytes: 10_000, maxPixels: 800, maxSide: 40 };
  assertEquals(sniff(bytes, limits).width, 40);
  assertEquals(codeOf(() => sniff(bytes, { ...limits, maxBytes: bytes.length - 1 })), "too-large");
  assertEquals(codeOf(() => sniff(bytes, { ...limits, maxPixels: 799 })), "too-large");
  assertEquals(codeOf(() => sniff(bytes, { ...limits, maxSide: 39 })), "too-large");
});

Deno.test("sniff() tells what it does not read", () => {
  const gif = new TextEncoder().encode("GIF89a and then some bytes");
  assertEquals(codeOf(() => sniff(gif)), "unsupported");
  assertEquals(codeOf(() => sniff(jpegHeader(8, 8, { marker: 0xc3 }))), "unsupported");
  assertEquals(codeOf(() => sniff(jpegHeader(8, 8, { bits: 12 }))), "unsupported");
  assertEquals(codeOf(() => sniff(jpegHeader(8, 8, { components: 4 }))), "unsupported");
});

Deno.test("sniff() refuses a file cut off anywhere in its header", async () => {
  for (const type of ["image/jpeg", "image/png", "image/webp"] as const) {
    const bytes = await encode(raster(9, 9), { type });
    // JPEG: up to its frame header; the others: their fixed headers.
    const header = type === "image/jpeg" ? 12 : type === "image/png" ? 33 : 30;
    for (let length = 0; length < header; length++) {
      assertThrows(() => sniff(bytes.subarray(0, length)), ImageError);
    }
  }
});

Deno.test("sniff() gives the upright size of a turned JPEG", () => {
  const exif = [..."Exif\0\0MM\0*\0\0\0\b"].map((c) => c.charCodeAt(0));
  // one entry: tag 0x0112, type SHORT, count 1, value 6 (turn right)
  const entry = [0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0];
  const segment = [0xff, 0xe1, 0, 2 + exif.length + entry.length, ...exif, ...entry];
  const frame = jpegHeader(300, 200);
  const bytes = Uint8Array.from([0xff, 0xd8, ...segment, ...frame.subarray(2)]);
  assertEquals(sniff(bytes), { type: "image/jpeg", width: 200, height: 300, orientation: 6 });
});
