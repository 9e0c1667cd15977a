/**
 * Markers of a JPEG up to its frame header (ITU-T T.81, annex B), and the EXIF orientation on the way.
 *
 * @module
 */
import { ImageError } from "./error.ts";

/** Scans a JPEG may have. Encoders write up to 14; each costs a pass over all coefficients. */
const MAX_SCANS = 64;

/** Size and orientation of a JPEG the decoder can read. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
}

const CODINGS: Readonly<Record<number, string>> = {
  0xc3: "lossless",
  0xc5: "hierarchical",
  0xc6: "hierarchical",
  0xc7: "hierarchical lossless",
  0xc9: "arithmetic coding",
  0xca: "arithmetic coding",
  0xcb: "lossless arithmetic coding",
  0xcd: "hierarchical arithmetic coding",
  0xce: "hierarchical arithmetic coding",
  0xcf: "hierarchical arithmetic coding",
};

/** Reads segments until the frame header. Throws {@link ImageError} for variants that are not decoded. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  let at = 2;
  let orientation = 1;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) {
      throw new ImageError(
        "corrupt",
        `Cannot read image: byte ${at} of the JPEG is not a marker, there must be one`,
      );
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2; // no payload
      continue;
    }
    if (marker === 0xd9 || marker === 0xda) {
      throw new ImageError("corrupt", "Cannot read image: its JPEG data begins before its size is said");
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (length < 2) {
      throw new ImageError("corrupt", `Cannot read image: a JPEG segment at byte ${at} has no length`);
    }
    if (marker === 0xe1) {
      orientation = exifOrientation(bytes.subarray(at + 4, at + 2 + length)) ?? orientation;
    }
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { ...frame(bytes, at, marker, orientation), orientation };
    }
    at += 2 + length;
  }
  throw new ImageError("truncated", "Cannot read image: it ends inside the JPEG header, must be complete");
}

function frame(
  bytes: Uint8Array,
  at: number,
  marker: number,
  orientation: number,
): { width: number; height: number } {
  const coding = CODINGS[marker];
  if (coding !== undefined) {
    throw new ImageError(
      "unsupported",
      `Cannot read image: it is a ${coding} JPEG, must be baseline or progressive`,
    );
  }
  if (at + 10 > bytes.length) {
    throw new ImageError("truncated", "Cannot read image: it ends inside the JPEG header, must be complete");
  }
  const bits = bytes[at + 4]!, components = bytes[at + 9]!;
  const height = (bytes[at + 5]! << 8) | bytes[at + 6]!;
  const width = (bytes[at + 7]! << 8) | bytes[at + 8]!;
  if (bits !== 8) {
    throw new ImageError(
      "unsupported",
      `Cannot read image: it is a JPEG of ${bits} bits per sample, must be 8`,
    );
  }
  if (components !== 1 && components !== 3) {
    throw new ImageError(
      "unsupported",
      `Cannot read image: it is a JPEG of ${components} components (CMYK has 4), must be grey or colour`,
    );
  }
  if (width < 1 || height < 1) {
    throw new ImageError(
      "corrupt",
      `Cannot read image: its header says ${width} x ${height}, sides must be 1 or more`,
    );
  }
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** Throws when a progressive JPEG asks for more passes than any encoder writes. */
export function checkScans(bytes: Uint8Array): void {
  let scans = 0;
  for (let at = bytes.indexOf(0xff); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xda && ++scans > MAX_SCANS) {
      throw new ImageError(
        "too-large",
        `Cannot read image: its JPEG has over ${MAX_SCANS} scans, must have fewer`,
      );
    }
  }
}

/** Tag 0x0112 of the first directory of an EXIF segment (TIFF 6.0), if it is there and sound. */
function exifOrientation(segment: Uint8Array): number | undefined {
  if (String.fromCharCode(...segment.subarray(0, 6)) !== "Exif\0\0") return undefined;
  const tiff = segment.subarray(6);
  const data = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 8) return undefined;
  const little = data.getUint16(0) === 0x4949;
  if (!little && data.getUint16(0) !== 0x4d4d) return undefined;
  const directory = data.getUint32(4, little);
  if (directory + 2 > tiff.length) return undefined;
  const count = data.getUint16(directory, little);
  for (let entry = 0; entry < count; entry++) {
    const at = directory + 2 + entry * 12;
    if (at + 12 > tiff.length) return undefined;
    if (data.getUint16(at, little) !== 0x0112) continue;
    const value = data.getUint16(at + 8, little);
    return data.getUint16(at + 2, little) === 3 && value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
