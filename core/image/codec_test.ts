import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import { decode, encode } from "./codec.ts";
import { ImageError } from "./error.ts";
import { equalRasters, type Raster, raster } from "./raster.ts";

const TYPES = ["image/jpeg", "image/png", "image/webp"] as const;

/** A smooth colour ramp with some grain. */
function ramp(width: number, height: number): Raster {
  const random = stream(3, "grain");
  const out = raster(width, height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    out.data.set([(200 * x) / width, (200 * y) / height, 90 + 20 * random()].map(Math.round), i * 3);
  }
  return out;
}

function meanDifference(a: Raster, b: Raster): number {
  return a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  return (await assertRejects(() => decode(bytes), ImageError)).code;
}

Deno.test("encode() and decode() round-trip: PNG exactly, JPEG and WebP nearly", async () => {
  const picture = ramp(61, 43);
  for (const type of TYPES) {
    const back = await decode(await encode(picture, { type, quality: 90 }));
    assertEquals([back.width, back.height], [61, 43]);
    if (type === "image/png") assert(equalRasters(back, picture));
    else assert(meanDifference(back, picture) < 6, `${type}: ${meanDifference(back, picture)}`);
  }
});

Deno.test("decode() may be called at once from many places", async () => {
  const picture = ramp(20, 20);
  const files = await Promise.all(TYPES.map((type) => encode(picture, { type })));
  const alone = [];
  for (const file of files) alone.push(await decode(file));
  const together = await Promise.all([...files, ...files].map((file) => decode(file)));
  for (const [i, back] of together.entries()) assert(equalRasters(back, alone[i % 3]!));
});

Deno.test("decode() calls a cut off file an error at every length, and the next file still decodes", async () => {
  const picture = ramp(64, 64);
  for (const type of TYPES) {
    const whole = await encode(picture, { type });
    const expected = await decode(whole);
    const cuts = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99].map((share) => Math.floor(whole.length * share));
    for (const length of [...cuts, whole.length - 1]) {
      const code = await codeOf(whole.subarray(0, length));
      assert(code === "truncated" || code === "corrupt", `${type} at ${length}: ${code}`);
    }
    assert(equalRasters(await decode(whole), expected));
  }
});

Deno.test("decode() of damaged bytes is a picture or an ImageError and poisons nothing", async () => {
  const random = stream(5, "damage");
  const picture = ramp(48, 48);
  let refused = 0;
  for (const type of TYPES) {
    const whole = await encode(picture, { type });
    const expected = await decode(whole);
    for (let trial = 0; trial < 40; trial++) {
      const damaged = whole.slice();
      for (let hit = 0; hit < 3; hit++) {
        damaged[Math.floor(random() * damaged.length)] = Math.floor(256 * random());
      }
      try {
        await decode(damaged);
      } catch (error) {
        assert(error instanceof ImageError, String(error));
        refused++;
      }
    }
    assert(equalRasters(await decode(whole), expected));
  }
  assert(refused > 40, `${refused} of 120`);
});

Deno.test("decode() notices a flipped bit in a PNG by its checksum", async () => {
  const bytes = await encode(ramp(16, 16), { type: "image/png" });
  bytes[60]! ^= 1;
  assertEquals(await codeOf(bytes), "corrupt");
});

Deno.test("decode() stops inflating a PNG at the size its header says", async () => {
  // 1 x 1 in the header, 30 MB of zeros in the data: only 4 bytes of it may be produced
  const packed = new Response(
    new Blob([new Uint8Array(30_000_000)]).stream().pipeThrough(new CompressionStream("deflate")),
  );
  const data = new Uint8Array(await packed.arrayBuffer());
  const small = await encode(raster(1, 1), { type: "image/png" });
  const bomb = withData(small, data);
  assertEquals((await decode(bomb)).data, new Uint8Array(3));
});

/** The PNG with other picture data (its own data begins at byte 33). */
function withData(png: Uint8Array, data: Uint8Array): Uint8Array {
  const kind = new TextEncoder().encode("IDAT");
  const body = new Uint8Array([...kind, ...data]);
  let crc = 0xffffffff;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  }
  const out = new Uint8Array(33 + 8 + data.length + 4 + 12);
  out.set(png.subarray(0, 33));
  const view = new DataView(out.buffer);
  view.setUint32(33, data.length);
  out.set(body, 37);
  view.setUint32(41 + data.length, (crc ^ 0xffffffff) >>> 0);
  out.set(png.subarray(png.length - 12), 45 + data.length);
  return out;
}

Deno.test("decode() applies the EXIF orientation of a JPEG", async () => {
  // left half red, right half blue; orientation 6: the top of the file is its right side
  const picture = raster(32, 16);
  for (let i = 0; i < 32 * 16; i++) picture.data.set(i % 32 < 16 ? [220, 20, 20] : [20, 20, 220], i * 3);
  const jpeg = await encode(picture, { type: "image/jpeg", quality: 95 });
  const exif = [..."Exif\0\0II*\0\b\0\0\0"].map((c) => c.charCodeAt(0));
  const entry = [1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
  const turned = new Uint8Array([
    ...jpeg.subarray(0, 2),
    ...[0xff, 0xe1, 0, 2 + exif.length + entry.length, ...exif, ...entry],
    ...jpeg.subarray(2),
  ]);
  const back = await decode(turned);
  assertEquals([back.width, back.height], [16, 32]);
  assert(back.data[(4 * 16 + 8) * 3]! > 180, "red on top");
  assert(back.data[(28 * 16 + 8) * 3 + 2]! > 180, "blue below");
});

Deno.test("decode() refuses a JPEG with more scans than any encoder writes", async () => {
  const jpeg = await encode(ramp(16, 16), { type: "image/jpeg" });
  const bomb = new Uint8Array([
    ...jpeg.subarray(0, -2),
    ...Array(80).fill([0xff, 0xda, 0, 2]).flat(),
    0xff,
    0xd9,
  ]);
  assertEquals(await codeOf(bomb), "too-large");
});
