/**
 * What a data set is: labels known up front, pictures described by plain data, so that any worker can make one.
 *
 * @module
 */
import type { Raster } from "../../core/image/raster.ts";
import type { SceneSource } from "./scenes.ts";

/** Where one picture comes from. Plain data: it crosses into workers unchanged. */
export type Source =
  | { readonly kind: "raster"; readonly raster: Raster }
  | { readonly kind: "file"; readonly path: string }
  | SceneSource;

/** Equal-sized pictures held in memory. */
export interface Packed {
  /** Columns of every picture, in pixels. */
  readonly width: number;
  /** Rows of every picture, in pixels. */
  readonly height: number;
  /** `uint8[M, H, W, 3]`, the pictures of the whole file set. */
  readonly data: Uint8Array;
  /** `int32[N]`, row of `data` that holds picture `i` of this data set. */
  readonly rows: Int32Array;
}

/** Labelled pictures in a fixed order. */
export interface Dataset {
  /** Short name for logs and cards, `cifar10/train`. */
  readonly name: string;
  /** Class names; a label is an index into them. */
  readonly classes: readonly string[];
  /** Number of pictures, N. */
  readonly length: number;
  /** SHA-256 (hex) that identifies content and order. */
  readonly hash: string;
  /** `int32[N]`, labels; range `[0, classes.length)`. */
  readonly labels: Int32Array;
  /** Every picture in memory, when all have one size and fit; the loader's fast path. */
  readonly packed?: Packed;
  /**
   * Where picture `index` comes from.
   *
   * @throws {RangeError} If there is no such picture.
   */
  source(index: number): Source;
  /** File and record of picture `index`, for messages. */
  where(index: number): string;
}

/** One picture of packed pictures, sharing memory. */
export function packedRaster(packed: Packed, index: number): Raster {
  const row = packed.rows[index];
  if (row === undefined) {
    throw new RangeError(`Cannot read picture ${index}: there are ${packed.rows.length}`);
  }
  const bytes = packed.width * packed.height * 3;
  return {
    width: packed.width,
    height: packed.height,
    data: packed.data.subarray(row * bytes, (row + 1) * bytes),
  };
}

/** SHA-256 of bytes or text, hex. */
export async function sha256(content: Uint8Array | string): Promise<string> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  // A view over shared memory cannot be digested; every caller's memory is its own.
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What {@link subset} needs to know. */
export interface SubsetOptions {
  /** Name of the part, appended to the name of the whole. */
  readonly name: string;
  /** Pictures to keep, in their new order. */
  readonly indices: Int32Array;
}

/**
 * Part of a data set, sharing its memory. Its hash depends on the hash of the whole and on the indices.
 *
 * @throws {RangeError} If an index is outside the data set.
 */
export async function subset(dataset: Dataset, options: SubsetOptions): Promise<Dataset> {
  const { indices } = options;
  for (const index of indices) {
    if (index < 0 || index >= dataset.length) {
      throw new RangeError(
        `Cannot take subset of ${dataset.name}: index is ${index}, length is ${dataset.length}`,
      );
    }
  }
  const { packed } = dataset;
  const at = (index: number): number => {
    const whole = indices[index];
    if (whole === undefined) {
      throw new RangeError(`Cannot read picture ${index}: there are ${indices.length}`);
    }
    return whole;
  };
  return {
    name: `${dataset.name}/${options.name}`,
    classes: dataset.classes,
    length: indices.length,
    hash: await sha256(`${dataset.hash}:${indices.join()}`),
    labels: indices.map((index) => dataset.labels[index]!),
    ...(packed === undefined
      ? {}
      : { packed: { ...packed, rows: indices.map((index) => packed.rows[index]!) } }),
    source: (index) => dataset.source(at(index)),
    where: (index) => dataset.where(at(index)),
  };
}
