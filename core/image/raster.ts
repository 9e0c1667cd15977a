/**
 * The one picture type of the project: what decoders give, what is cropped, resampled, shown and sent.
 *
 * @module
 */

/** A picture: `uint8[H, W, 3]`, red, green, blue, row-major, no padding; range 0 to 255. */
export interface Raster {
  /** Columns, in pixels. */
  readonly width: number;
  /** Rows, in pixels. */
  readonly height: number;
  /** `uint8[H, W, 3]`. */
  readonly data: Uint8Array;
}

/**
 * A picture over existing data, or a black one.
 *
 * @throws {RangeError} If a side is not a positive integer or the data does not fill the picture exactly.
 */
export function raster(width: number, height: number, data?: Uint8Array): Raster {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(
      `Cannot make raster: size is ${width} x ${height}, both sides must be integers of 1 or more`,
    );
  }
  const bytes = data ?? new Uint8Array(width * height * 3);
  if (bytes.length !== width * height * 3) {
    throw new RangeError(
      `Cannot make raster: data has ${bytes.length} bytes, ${width} x ${height} RGB must have ${
        width * height * 3
      }`,
    );
  }
  return { width, height, data: bytes };
}

/** Whether two pictures have the same size and the same pixels. */
export function equalRasters(a: Raster, b: Raster): boolean {
  if (a.width !== b.width || a.height !== b.height) return false;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
}
