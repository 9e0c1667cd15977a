/**
 * Pixels into network inputs: range 0 to 1, then mean and deviation per channel.
 *
 * @module
 */
import type { Box } from "../geometry/mod.ts";
import type { Raster } from "../image/raster.ts";
import type { Tensor } from "../tensor.ts";

/** What a network was trained to see: `(value / 255 - mean) / std` per channel, red, green, blue. */
export interface Normalization {
  /** Means of the range 0 to 1. */
  readonly mean: readonly [number, number, number];
  /** Deviations of the range 0 to 1. */
  readonly std: readonly [number, number, number];
}

/**
 * The 3 x 256 values a byte can become, `float32[3 * 256]`; one table keeps training and serving bit-equal.
 *
 * @throws {RangeError} If a deviation is not above 0.
 */
export function normalizationTable({ mean, std }: Normalization): Float32Array {
  const wrong = std.findIndex((value) => !(value > 0));
  if (wrong >= 0) {
    throw new RangeError(`Cannot normalise: std of channel ${wrong} is ${std[wrong]}, must be above 0`);
  }
  return Float32Array.from({ length: 768 }, (_, i) => ((i & 255) / 255 - mean[i >> 8]!) / std[i >> 8]!);
}

/** Pictures of one size as `float32[N, H, W, 3]`. */
export function toInput(pictures: readonly Raster[], table: Float32Array): Tensor {
  const [first] = pictures;
  if (first === undefined) throw new RangeError("Cannot make input: there is no picture");
  const data = new Float32Array(pictures.length * first.data.length);
  pictures.forEach((picture, n) => {
    if (picture.width !== first.width || picture.height !== first.height) {
      throw new RangeError("Cannot make input: pictures differ in size");
    }
    normalizeInto(data, n * first.data.length, picture.data, table);
  });
  return { shape: [pictures.length, first.height, first.width, 3], data };
}

/** Writes the normalised values of interleaved RGB bytes at `offset`. */
export function normalizeInto(
  target: Float32Array,
  offset: number,
  bytes: Uint8Array,
  table: Float32Array,
): void {
  for (let i = 0; i < bytes.length; i += 3) {
    target[offset + i] = table[bytes[i]!]!;
    target[offset + i + 1] = table[256 + bytes[i + 1]!]!;
    target[offset + i + 2] = table[512 + bytes[i + 2]!]!;
  }
}

/** Writes a patch onto a canvas `float32[1, H, W, 3]`; the rest of the canvas stays as it is. */
export function paste(canvas: Tensor, pixels: Raster, { x, y }: Box, table: Float32Array): void {
  const width = canvas.shape[2]!;
  for (let row = 0; row < pixels.height; row++) {
    const line = pixels.data.subarray(row * pixels.width * 3, (row + 1) * pixels.width * 3);
    normalizeInto(canvas.data, ((y + row) * width + x) * 3, line, table);
  }
}
