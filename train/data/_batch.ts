/**
 * Making one batch: a pure function of its job, run in the main thread or in a worker with the same result.
 *
 * @module
 */
import { type Normalization, normalizationTable, normalizeInto } from "../../core/policy/mod.ts";
import type { Raster } from "../../core/image/raster.ts";
import { augment, type Augmentation, augmentationStream, drawPadCropFlip } from "./augment.ts";
import type { Packed, Source } from "./dataset.ts";
import { realize } from "./_realize.ts";

/** What every batch of a loader has in common. */
export interface BatchRecipe {
  readonly seed: number;
  readonly augmentation: Augmentation | undefined;
  readonly normalization: Normalization | undefined;
}

/** Everything one batch depends on. Plain data. */
export interface BatchJob {
  readonly recipe: BatchRecipe;
  readonly epoch: number;
  readonly indices: Int32Array;
  readonly sources: readonly Source[];
}

/** Pictures of one batch, `[N, H, W, 3]`. */
export interface BatchImages {
  readonly width: number;
  readonly height: number;
  readonly images: Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;
}

/** A picture that could not be made, by its place in the batch. */
export class ExampleError extends Error {
  /** Place in the batch. */
  readonly position: number;
  constructor(position: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.position = position;
  }
}

/** Decodes or renders, augments and normalises the pictures of a job, in order. */
export async function makeBatch(job: BatchJob): Promise<BatchImages> {
  const { seed, augmentation, normalization } = job.recipe;
  const table = normalization === undefined ? undefined : normalizationTable(normalization);
  let out: BatchImages | undefined;
  for (let position = 0; position < job.sources.length; position++) {
    let picture: Raster;
    try {
      const random = augmentationStream({ seed, epoch: job.epoch, index: job.indices[position]! });
      picture = augment(await realize(job.sources[position]!), augmentation, random);
      out ??= allocate(job.sources.length, picture, table !== undefined);
      if (picture.width !== out.width || picture.height !== out.height) {
        throw new RangeError(
          `it is ${picture.width} x ${picture.height}, others are ${out.width} x ${out.height}: ` +
            "pictures of a batch must have one size (use an augmentation with a size)",
        );
      }
    } catch (error) {
      throw new ExampleError(position, error);
    }
    const offset = position * picture.data.length;
    if (table === undefined) out.images.set(picture.data, offset);
    else normalizeInto(out.images as Float32Array, offset, picture.data, table);
  }
  if (out === undefined) throw new RangeError("Cannot make batch: it has no pictures");
  return out;
}

function allocate(count: number, { width, height, data }: Raster, float: boolean): BatchImages {
  const length = count * data.length;
  return { width, height, images: float ? new Float32Array(length) : new Uint8Array(length) };
}

/** Whether {@link packedBatch} can make this loader's batches. */
export function canPack(recipe: BatchRecipe): boolean {
  const kind = recipe.augmentation?.kind;
  return kind === undefined || kind === "flip" || kind === "pad-crop-flip";
}

/** As {@link makeBatch} for pictures in memory and whole-pixel augmentation: no copies in between. */
export function packedBatch(
  packed: Packed,
  recipe: BatchRecipe,
  x: { epoch: number; indices: Int32Array; table: Float32Array | undefined },
): BatchImages {
  const { width, height, data } = packed;
  const { indices, table } = x;
  const bytes = width * height * 3;
  const length = indices.length * bytes;
  const images = table === undefined ? new Uint8Array(length) : new Float32Array(length);
  const black = [0, 1, 2].map((channel) => table?.[channel * 256] ?? 0);
  for (let n = 0; n < indices.length; n++) {
    const from = packed.rows[indices[n]!]! * bytes;
    const { augmentation, seed } = recipe;
    let left = 0, top = 0, mirrored = false;
    if (augmentation !== undefined) {
      const random = augmentationStream({ seed, epoch: x.epoch, index: indices[n]! });
      if (augmentation.kind === "pad-crop-flip") {
        ({ left, top, mirrored } = drawPadCropFlip(augmentation.paddingPx, random));
      } else mirrored = random() < 0.5;
    }
    let at = n * bytes;
    for (let y = 0; y < height; y++) {
      const fromY = y + top;
      const rowOutside = fromY < 0 || fromY >= height;
      for (let column = 0; column < width; column++, at += 3) {
        const fromX = (mirrored ? width - 1 - column : column) + left;
        if (rowOutside || fromX < 0 || fromX >= width) {
          images[at] = black[0]!;
          images[at + 1] = black[1]!;
          images[at + 2] = black[2]!;
          continue;
        }
        const source = from + (fromY * width + fromX) * 3;
        if (table === undefined) {
          images[at] = data[source]!;
          images[at + 1] = data[source + 1]!;
          images[at + 2] = data[source + 2]!;
        } else {
          images[at] = table[data[source]!]!;
          images[at + 1] = table[256 + data[source + 1]!]!;
          images[at + 2] = table[512 + data[source + 2]!]!;
        }
      }
    }
  }
  return { width, height, images };
}
