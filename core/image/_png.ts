/**
 * PNG (ISO/IEC 15948), decoded and encoded over the platform's own inflate and deflate.
 *
 * The WebAssembly decoder at hand traps on most damaged files and cannot be instantiated twice; this one is bounded
 * by the size in the header, whatever the compressed data holds.
 *
 * @module
 */
import { ImageError } from "./error.ts";
import { type Raster, raster } from "./raster.ts";

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly color: number;
  readonly interlaced: boolean;
  /** Samples per pixel. */
  readonly samples: number;
}

/** Samples per pixel and allowed depths by colour type. */
const COLORS: Readonly<Record<number, readonly [samples: number, depths: readonly number[]]>> = {
  0: [1, [1, 2, 4, 8, 16]],
  2: [3, [8, 16]],
  3: [1, [1, 2, 4, 8]],
  4: [2, [8, 16]],
  6: [4, [8, 16]],
};

/** Start and step of the seven Adam7 passes. */
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [
  0,
  1,
  1,
  2,
]] as const;

function corrupt(what: string): ImageError {
  return new ImageError("corrupt", `Cannot read image: its PNG ${what}`);
}

/** Decodes a PNG whose size was already held against limits. 16-bit samples keep their upper byte; alpha on black. */
export async function decodePng(bytes: Uint8Array): Promise<Raster> {
  const chunks = readChunks(bytes);
  const layout = readLayout(chunks.header);
  const { palette, transparency } = chunks;
  if (layout.color === 3 && palette === undefined) throw corrupt("has no palette, its colour type needs one");
  const passes = layout.interlaced ? ADAM7 : [[0, 0, 1, 1] as const];
  const sizes = passes.map(([x, y, dx, dy]) => ({
    x,
    y,
    dx,
    dy,
    width: Math.ceil((layout.width - x) / dx),
    height: Math.ceil((layout.height - y) / dy),
  })).filter(({ width, height }) => width > 0 && height > 0);
  const rowBytes = (width: number): number => Math.ceil((width * layout.samples * layout.depth) / 8);
  const total = sizes.reduce((sum, pass) => sum + pass.height * (1 + rowBytes(pass.width)), 0);
  const data = await inflate(chunks.data, total);

  const out = raster(layout.width, layout.height);
  const pixel = pixelReader(layout, palette, transparency);
  const step = Math.max(1, (layout.samples * layout.depth) >> 3);
  // The usual file needs no conversion at all.
  const plain = layout.color === 2 && layout.depth === 8 && !layout.interlaced && transparency === undefined;
  let offset = 0;
  for (const pass of sizes) {
    const length = rowBytes(pass.width);
    let previous: Uint8Array = new Uint8Array(length);
    for (let row = 0; row < pass.height; row++) {
      const filter = data[offset]!;
      const line = data.subarray(offset + 1, offset + 1 + length);
      unfilter(filter, line, previous, step);
      previous = line;
      offset += 1 + length;
      const y = pass.y + row * pass.dy;
      if (plain) {
        out.data.set(line, y * length);
        continue;
      }
      for (let column = 0; column < pass.width; column++) {
        pixel(line, column, out.data, (y * layout.width + pass.x + column * pass.dx) * 3);
      }
    }
  }
  return out;
}

interface Chunks {
  readonly header: Uint8Array;
  readonly data: Uint8Array<ArrayBuffer>[];
  readonly palette?: Uint8Array;
  readonly transparency?: Uint8Array;
}

function readChunks(bytes: Uint8Array): Chunks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array<ArrayBuffer>[] = [];
  let header: Uint8Array | undefined, palette: Uint8Array | undefined, transparency: Uint8Array | undefined;
  let at = 8;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) break;
    const content = bytes.subarray(at + 8, at + 8 + length);
    const critical = (bytes[at + 4]! & 0x20) === 0;
    if (critical && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw corrupt(`chunk "${kind}" at byte ${at} fails its checksum`);
    }
    if (kind === "IHDR") header ??= content;
    else if (kind === "PLTE") palette = content;
    else if (kind === "tRNS") transparency = content;
    else if (kind === "IDAT") data.push(content as Uint8Array<ArrayBuffer>);
    else if (kind === "IEND") {
      if (header === undefined || data.length === 0) throw corrupt("holds no picture data");
      return {
        header,
        data,
        ...(palette === undefined ? {} : { palette }),
        ...(transparency === undefined ? {} : { transparency }),
      };
    } else if (critical) throw corrupt(`has a critical chunk "${kind}" that is not in the standard`);
    at += 12 + length;
  }
  throw new ImageError(
    "truncated",
    `Cannot read image: its PNG ends at byte ${bytes.length} without an IEND chunk`,
  );
}

function readLayout(header: Uint8Array): Layout {
  if (header.length !== 13) throw corrupt("header has the wrong length");
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const [depth, color, compression, filter, interlace] = header.subarray(8) as unknown as number[];
  const known = COLORS[color!];
  if (
    known === undefined || !known[1].includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1
  ) {
    throw corrupt(`header asks for colour type ${color} at ${depth} bits, which is not in the standard`);
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    depth: depth!,
    color: color!,
    interlaced: interlace === 1,
    samples: known[0],
  };
}

/** Exactly `total` bytes of the stream; what follows is not looked at. */
async function inflate(parts: readonly Uint8Array<ArrayBuffer>[], total: number): Promise<Uint8Array> {
  const out = new Uint8Array(total);
  const stream = new Blob(parts as Uint8Array<ArrayBuffer>[]).stream().pipeThrough(
    new DecompressionStream("deflate"),
  );
  const reader = stream.getReader();
  let length = 0;
  try {
    while (length < total) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, total - length);
      out.set(part, length);
      length += part.length;
    }
  } catch (error) {
    throw new ImageError("corrupt", "Cannot read image: its PNG data does not inflate", { cause: error });
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (length < total) {
    throw new ImageError(
      "truncated",
      `Cannot read image: its PNG data ends after ${length} of ${total} bytes`,
    );
  }
  return out;
}

/** Undoes a row filter in place; `step` is the distance to the pixel on the left, in bytes. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = step; i < line.length; i++) line[i] = line[i]! + line[i - step]!;
      return;
    case 2:
      for (let i = 0; i < line.length; i++) line[i] = line[i]! + above[i]!;
      return;
    case 3:
      for (let i = 0; i < line.length; i++) {
        line[i] = line[i]! + (((i < step ? 0 : line[i - step]!) + above[i]!) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < line.length; i++) {
        const a = i < step ? 0 : line[i - step]!, b = above[i]!, c = i < step ? 0 : above[i - step]!;
        line[i] = line[i]! + paeth(a, b, c);
      }
      return;
    default:
      throw corrupt(`has a row of filter ${filter}, must be 0 to 4`);
  }
}

function paeth(a: number, b: number, c: number): number {
  const pa = Math.abs(b - c), pb = Math.abs(a - c), pc = Math.abs(a + b - 2 * c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

type PixelReader = (line: Uint8Array, column: number, out: Uint8Array, at: number) => void;

function pixelReader(
  { depth, color, samples }: Layout,
  palette: Uint8Array | undefined,
  transparency: Uint8Array | undefined,
): PixelReader {
  const bytesPer = depth === 16 ? 2 : 1;
  const on = (value: number, alpha: number): number =>
    alpha === 255 ? value : Math.round((value * alpha) / 255);
  // A fully transparent colour is compared at the file's own depth.
  const keys = color === 3 || transparency === undefined ? undefined : Array.from(
    { length: samples },
    (_, s) => ((transparency[2 * s] ?? 0) << 8) | (transparency[2 * s + 1] ?? 0),
  );
  if (color === 3 || (color === 0 && depth < 8)) {
    const mask = (1 << depth) - 1;
    const scale = 255 / mask;
    const entries = palette === undefined ? 0 : Math.floor(palette.length / 3);
    return (line, column, out, at) => {
      const bit = column * depth;
      const value = (line[bit >> 3]! >> (8 - depth - (bit & 7))) & mask;
      if (color === 0) {
        out.fill(value === keys?.[0] ? 0 : value * scale, at, at + 3);
        return;
      }
      if (value >= entries) throw corrupt(`uses palette entry ${value}, there are ${entries}`);
      const alpha = transparency?.[value] ?? 255;
      for (let c = 0; c < 3; c++) out[at + c] = on(palette![value * 3 + c]!, alpha);
    };
  }
  const isColor = color === 2 || color === 6;
  const hasAlpha = color === 4 || color === 6;
  return (line, column, out, at) => {
    const from = column * samples * bytesPer;
    let alpha = hasAlpha ? line[from + (samples - 1) * bytesPer]! : 255;
    if (keys !== undefined && !hasAlpha) {
      const clear = keys.every((key, s) => {
        const high = line[from + s * bytesPer]!;
        return key === (bytesPer === 2 ? (high << 8) | line[from + s * 2 + 1]! : high);
      });
      if (clear) alpha = 0;
    }
    for (let c = 0; c < 3; c++) out[at + c] = on(line[from + (isColor ? c * bytesPer : 0)]!, alpha);
  };
}

let table: Uint32Array | undefined;

/** CRC-32 of ISO 3309, as PNG uses it. */
function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Encodes 8-bit RGB, every row with the filter of least absolute sum (the standard's own advice). */
export async function encodePng({ width, height, data }: Raster): Promise<Uint8Array<ArrayBuffer>> {
  const length = width * 3;
  const raw = new Uint8Array(height * (1 + length));
  let above = new Uint8Array(length);
  const tries = Array.from({ length: 5 }, () => new Uint8Array(length));
  for (let y = 0; y < height; y++) {
    const line = new Uint8Array(data.subarray(y * length, (y + 1) * length));
    const costs = [0, 0, 0, 0, 0];
    for (let i = 0; i < length; i++) {
      const a = i < 3 ? 0 : line[i - 3]!, b = above[i]!, c = i < 3 ? 0 : above[i - 3]!;
      const guesses = [0, a, b, (a + b) >> 1, paeth(a, b, c)];
      for (let f = 0; f < 5; f++) {
        const rest = (line[i]! - guesses[f]!) & 0xff;
        tries[f]![i] = rest;
        costs[f]! += rest < 128 ? rest : 256 - rest;
      }
    }
    const best = costs.indexOf(Math.min(...costs));
    raw[y * (1 + length)] = best;
    raw.set(tries[best]!, y * (1 + length) + 1);
    above = line;
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 2, 0, 0, 0], 8);
  const packed = new Response(new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate")));
  const parts = [
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", new Uint8Array(await packed.arrayBuffer())),
    chunk("IEND", new Uint8Array(0)),
  ];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function chunk(kind: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(12 + content.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) out[4 + i] = kind.charCodeAt(i);
  out.set(content, 8);
  view.setUint32(8 + content.length, crc32(out.subarray(4, 8 + content.length)));
  return out;
}
