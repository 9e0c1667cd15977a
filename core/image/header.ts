/**
 * What a picture claims to be, read from its first bytes before anything is decoded.
 *
 * @module
 */
import { ImageError } from "./error.ts";
import { readJpegHeader } from "./_jpeg_header.ts";

/** Media types that are read and written. */
export type ImageType = "image/jpeg" | "image/png" | "image/webp";

/** What the header says. */
export interface ImageHeader {
  /** Format, from the bytes, never from a name or a request header. */
  readonly type: ImageType;
  /** Columns of the decoded picture, upright. */
  readonly width: number;
  /** Rows of the decoded picture, upright. */
  readonly height: number;
  /** EXIF orientation (JPEG only), 1 to 8; decoding applies it, and `width` and `height` already do. */
  readonly orientation: number;
}

/** How much a picture may ask of whoever decodes it. */
export interface ImageLimits {
  /** Bytes of the file. */
  readonly maxBytes: number;
  /** Width times height. */
  readonly maxPixels: number;
  /** Width, and height. */
  readonly maxSide: number;
}

/** 32 MiB, 40 megapixels, 16,384 px: decoding takes at most some 300 MB for a moment. */
export const DEFAULT_IMAGE_LIMITS: ImageLimits = {
  maxBytes: 32 * 1024 * 1024,
  maxPixels: 40_000_000,
  maxSide: 16_384,
};

/**
 * Reads type and size from the header and holds them against limits. Nothing is decoded.
 *
 * @throws {ImageError} If it is none of the three formats, cut off inside its header, or beyond a limit.
 */
export function sniff(bytes: Uint8Array, limits: ImageLimits = DEFAULT_IMAGE_LIMITS): ImageHeader {
  if (bytes.length > limits.maxBytes) {
    throw new ImageError(
      "too-large",
      `Cannot read image: it has ${bytes.length} bytes, at most ${limits.maxBytes} are allowed`,
    );
  }
  const header = read(bytes);
  const { width, height } = header;
  if (width > limits.maxSide || height > limits.maxSide) {
    throw new ImageError(
      "too-large",
      `Cannot read image: it is ${width} x ${height}, no side may exceed ${limits.maxSide} px`,
    );
  }
  if (width * height > limits.maxPixels) {
    throw new ImageError(
      "too-large",
      `Cannot read image: it is ${width} x ${height}, at most ${limits.maxPixels} pixels are allowed`,
    );
  }
  return header;
}

function read(bytes: Uint8Array): ImageHeader {
  if (starts(bytes, 0, [0xff, 0xd8, 0xff])) return { type: "image/jpeg", ...readJpegHeader(bytes) };
  if (starts(bytes, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return readPngHeader(bytes);
  if (starts(bytes, 0, [0x52, 0x49, 0x46, 0x46]) && starts(bytes, 8, [0x57, 0x45, 0x42, 0x50])) {
    return readWebpHeader(bytes);
  }
  throw new ImageError(
    bytes.length < 12 ? "truncated" : "unsupported",
    `Cannot read image: its ${bytes.length} bytes do not begin like a picture, must be JPEG, PNG or WebP`,
  );
}

function starts(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[at + i] === byte);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sized(type: ImageType, width: number, height: number): ImageHeader {
  if (width < 1 || height < 1) {
    throw new ImageError(
      "corrupt",
      `Cannot read image: its header says ${width} x ${height}, sides must be 1 or more`,
    );
  }
  return { type, width, height, orientation: 1 };
}

function cutOff(format: string): ImageError {
  return new ImageError(
    "truncated",
    `Cannot read image: it ends inside the ${format} header, must be complete`,
  );
}

/** IHDR must be the first chunk and says it all. PNG's eXIf chunk is ignored, as browsers long did. */
function readPngHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length < 33) throw cutOff("PNG");
  if (!starts(bytes, 8, [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52])) {
    throw new ImageError(
      "corrupt",
      "Cannot read image: its first chunk is not IHDR, a PNG must begin with one",
    );
  }
  const data = view(bytes);
  return sized("image/png", data.getUint32(16), data.getUint32(20));
}

/** RFC 9649: lossy, lossless and extended files keep their size in different places. */
function readWebpHeader(bytes: Uint8Array): ImageHeader {
  if (bytes.length < 30) throw cutOff("WebP");
  const data = view(bytes);
  if (data.getUint32(4, true) + 8 > bytes.length) {
    throw new ImageError(
      "truncated",
      `Cannot read image: its header promises ${
        data.getUint32(4, true) + 8
      } bytes, there are ${bytes.length}`,
    );
  }
  const kind = String.fromCharCode(...bytes.subarray(12, 16));
  switch (kind) {
    case "VP8 ":
      if (!starts(bytes, 23, [0x9d, 0x01, 0x2a])) break;
      return sized("image/webp", data.getUint16(26, true) & 0x3fff, data.getUint16(28, true) & 0x3fff);
    case "VP8L": {
      if (bytes[20] !== 0x2f) break;
      const packed = data.getUint32(21, true);
      return sized("image/webp", (packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1);
    }
    case "VP8X": {
      if ((bytes[20]! & 0x02) !== 0) {
        throw new ImageError(
          "unsupported",
          "Cannot read image: it is an animated WebP, must be a still picture",
        );
      }
      const low = data.getUint32(24, true) & 0xffffff;
      return sized("image/webp", low + 1, (data.getUint16(27, true) | (bytes[29]! << 16)) + 1);
    }
  }
  throw new ImageError("corrupt", "Cannot read image: its WebP header is not one of the three known kinds");
}
