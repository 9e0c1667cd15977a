/**
 * Cropping and resampling, one implementation for training, client and server: a glance must be the same picture
 * wherever it is made.
 *
 * Boxes are `[x, x + w) x [y, y + h)` in pixels of the input and may have fractional corners for `area` and
 * `bilinear`. Sums run in `float64` in a fixed order and round half up, so results do not depend on the machine.
 *
 * @module
 */
import type { Box } from "./boxes.ts";
import { type Raster, raster } from "../image/raster.ts";

/**
 * How a box becomes a smaller or larger picture:
 *
 * - `nearest`: source index `floor(out * in / size)`, no antialiasing. The default `interpolate` of PyTorch, which
 *   PatchDrop's published glance uses.
 * - `area`: every output pixel is the exact mean of the input it covers (box filter, fractional borders weighted).
 * - `bilinear`: triangle filter at half-pixel centres, widened by the scale when shrinking (antialiased).
 */
export type ResampleMethod = "nearest" | "area" | "bilinear";

/** What part becomes what size, and how. */
export interface ResampleOptions {
  /** Part of the input, in its pixels, inside it. @default the whole input */
  readonly box?: Box;
  /** Columns of the result. */
  readonly width: number;
  /** Rows of the result. */
  readonly height: number;
  /** Filter. */
  readonly method: ResampleMethod;
}

/** A floating-point picture: `float32[H, W, C]`. */
export interface FloatPlane {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Values per pixel, C. */
  readonly channels: number;
  /** `float32[H, W, C]`. */
  readonly data: Float32Array;
}

/** Weights of one axis: output `o` is the sum over `k` of `weights[o * taps + k] * input[start[o] + k]`. */
interface Axis {
  readonly taps: number;
  readonly start: Int32Array;
  readonly weights: Float64Array;
}

/**
 * A box of a picture at another size, rounded to bytes half up.
 *
 * @throws {RangeError} If the box is empty or reaches outside, or a size is not a positive integer.
 */
export function resample(picture: Raster, options: ResampleOptions): Raster {
  const out = raster(options.width, options.height);
  const values = apply(picture.data, picture.width, picture.height, 3, options);
  // The epsilon absorbs the last bits of a sum that is exactly half.
  for (let i = 0; i < values.length; i++) out.data[i] = Math.floor(values[i]! + 0.5 + 1e-9);
  return out;
}

/**
 * A box of a floating-point picture at another size.
 *
 * @throws {RangeError} As {@link resample}.
 */
export function resampleFloat(plane: FloatPlane, options: ResampleOptions): FloatPlane {
  const values = apply(plane.data, plane.width, plane.height, plane.channels, options);
  return {
    width: options.width,
    height: options.height,
    channels: plane.channels,
    data: Float32Array.from(values),
  };
}

/**
 * Copy of a box with integer corners, no resampling.
 *
 * @throws {RangeError} If the box is empty, not of integers, or reaches outside.
 */
export function crop(picture: Raster, box: Box): Raster {
  const { x, y, w, h } = box;
  if (![x, y, w, h].every(Number.isInteger)) {
    throw new RangeError(`Cannot crop: box is [${x}, ${y}, ${w}, ${h}], must be integers`);
  }
  checkBox(picture.width, picture.height, box);
  const out = raster(w, h);
  for (let row = 0; row < h; row++) {
    const from = ((y + row) * picture.width + x) * 3;
    out.data.set(picture.data.subarray(from, from + w * 3), row * w * 3);
  }
  return out;
}

function checkBox(width: number, height: number, { x, y, w, h }: Box): void {
  if (!(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= width + 1e-6 && y + h <= height + 1e-6)) {
    throw new RangeError(
      `Cannot crop: box is [${x}, ${y}, ${w}, ${h}], must lie inside the ${width} x ${height} picture`,
    );
  }
}

function apply(
  data: Uint8Array | Float32Array,
  width: number,
  height: number,
  channels: number,
  options: ResampleOptions,
): Float64Array {
  const box = options.box ?? { x: 0, y: 0, w: width, h: height };
  if (
    !Number.isInteger(options.width) || !Number.isInteger(options.height) ||
    options.width < 1 || options.height < 1
  ) {
    throw new RangeError(
      `Cannot resample: size is ${options.width} x ${options.height}, must be integers of 1 or more`,
    );
  }
  checkBox(width, height, box);
  const across = axis(options.method, box.x, box.w, width, options.width);
  const down = axis(options.method, box.y, box.h, height, options.height);
  return columns(data, width, channels, across, down);
}

/** Rows first, only those any output needs, then columns. */
function columns(
  data: Uint8Array | Float32Array,
  width: number,
  channels: number,
  across: Axis,
  down: Axis,
): Float64Array {
  const outWidth = across.start.length;
  const outHeight = down.start.length;
  const rowValues = outWidth * channels;
  const out = new Float64Array(outHeight * rowValues);
  // A ring would save memory; one row per input row, kept while needed, is simpler and as fast.
  const rows = new Map<number, Float64Array>();
  for (let oy = 0; oy < outHeight; oy++) {
    const first = down.start[oy]!;
    for (const y of rows.keys()) if (y < first) rows.delete(y);
    for (let k = 0; k < down.taps; k++) {
      const weight = down.weights[oy * down.taps + k]!;
      if (weight === 0) continue;
      const y = first + k;
      let row = rows.get(y);
      if (row === undefined) {
        row = alongRow(data, y * width * channels, channels, across);
        rows.set(y, row);
      }
      for (let i = 0, at = oy * rowValues; i < rowValues; i++, at++) out[at]! += weight * row[i]!;
    }
  }
  return out;
}

function alongRow(
  data: Uint8Array | Float32Array,
  rowStart: number,
  channels: number,
  { taps, start, weights }: Axis,
): Float64Array {
  const out = new Float64Array(start.length * channels);
  for (let ox = 0; ox < start.length; ox++) {
    const from = rowStart + start[ox]! * channels;
    if (channels === 3) { // the usual case, without the inner loop
      let red = 0, green = 0, blue = 0;
      for (let k = 0, at = from; k < taps; k++, at += 3) {
        const weight = weights[ox * taps + k]!;
        if (weight === 0) continue;
        red += weight * data[at]!;
        green += weight * data[at + 1]!;
        blue += weight * data[at + 2]!;
      }
      out[ox * 3] = red;
      out[ox * 3 + 1] = green;
      out[ox * 3 + 2] = blue;
      continue;
    }
    for (let k = 0; k < taps; k++) {
      const weight = weights[ox * taps + k]!;
      if (weight === 0) continue;
      for (let c = 0; c < channels; c++) out[ox * channels + c]! += weight * data[from + k * channels + c]!;
    }
  }
  return out;
}

function axis(method: ResampleMethod, from: number, length: number, limit: number, size: number): Axis {
  const scale = length / size;
  if (method === "nearest") {
    const start = Int32Array.from(
      { length: size },
      (_, o) => Math.min(Math.floor(from + o * scale + 1e-9), limit - 1),
    );
    return { taps: 1, start, weights: new Float64Array(size).fill(1) };
  }
  // Half width of the filter's support, in input pixels.
  const reach = method === "area" ? scale / 2 : Math.max(scale, 1);
  const taps = Math.ceil(2 * reach) + 2;
  const start = new Int32Array(size);
  const weights = new Float64Array(size * taps);
  for (let o = 0; o < size; o++) {
    const center = from + (o + 0.5) * scale;
    // Input beyond the box is not looked at: what a patch shows is inside its box.
    const low = Math.max(center - reach, Math.floor(from + 1e-9));
    const high = Math.min(center + reach, Math.ceil(from + length - 1e-9), limit);
    const first = Math.max(0, Math.floor(low + 1e-9));
    start[o] = first;
    let total = 0;
    for (let k = 0; k < taps && first + k < high - 1e-9; k++) {
      const x = first + k;
      const weight = method === "area"
        ? Math.min(x + 1, high) - Math.max(x, low)
        : Math.max(0, 1 - Math.abs(x + 0.5 - center) / reach);
      if (weight > 1e-12) {
        weights[o * taps + k] = weight;
        total += weight;
      }
    }
    for (let k = 0; k < taps; k++) weights[o * taps + k]! /= total;
  }
  return { taps, start, weights };
}
