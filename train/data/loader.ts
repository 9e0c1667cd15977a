/**
 * Batches of a data set: shuffled by epoch, augmented, normalised, made ahead of time in workers.
 *
 * Which pictures a batch holds and what they look like depends on seed and epoch alone, whatever the number of
 * workers, so a run resumed at epoch `e`, batch `b` sees what an uninterrupted one would have seen.
 *
 * @module
 */
import { permutation, stream } from "../../core/random.ts";
import { type Normalization, normalizationTable } from "../../core/policy/mod.ts";
import type { Augmentation } from "./augment.ts";
import { type BatchImages, type BatchJob, canPack, ExampleError, makeBatch, packedBatch } from "./_batch.ts";
import type { Dataset } from "./dataset.ts";
import { WorkerPool } from "./_pool.ts";

/** One batch of N pictures. */
export interface Batch<A extends Float32Array | Uint8Array = Float32Array> {
  /** Place within its epoch, from 0. */
  readonly index: number;
  /** `[N, H, W, 3]`. */
  readonly shape: readonly [number, number, number, number];
  /** `float32[N, H, W, 3]`, normalised, or `uint8[N, H, W, 3]` without normalisation. */
  readonly images: A;
  /** `int32[N]`. */
  readonly labels: Int32Array;
  /** `int32[N]`, indices of the pictures in the data set. */
  readonly indices: Int32Array;
}

/** How batches are made. */
export interface LoaderOptions {
  /** Pictures per batch; 1 or more. */
  readonly batchSize: number;
  /** Seed of order and augmentation. @default 0 */
  readonly seed?: number;
  /** A new order every epoch, instead of the order of the data set. @default false */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is not full. @default false */
  readonly dropLast?: boolean;
  /** Augmentation. @default none */
  readonly augmentation?: Augmentation;
  /** With it batches are normalised `float32`, without they are `uint8`. */
  readonly normalization?: Normalization;
  /** Workers that decode and augment; 0 works in this thread. @default 0 for pictures in memory, else 2 */
  readonly workers?: number;
  /** Batches made ahead of the one in use; bounds memory. @default 2 per worker */
  readonly queue?: number;
}

/** Time spent by the reader of batches since the loader was made. */
export interface LoaderTime {
  /** Waiting for the next batch, in ms. */
  readonly waitMs: number;
  /** Waiting and using, in ms. */
  readonly totalMs: number;
  /** `waitMs / totalMs`; range 0 to 1. */
  readonly waitShare: number;
}

/** Batches of one data set, epoch by epoch. */
export interface Loader<A extends Float32Array | Uint8Array = Float32Array> {
  /** What is loaded. */
  readonly dataset: Dataset;
  /** Batches in an epoch. */
  readonly batches: number;
  /** Time spent waiting for data so far. */
  readonly time: LoaderTime;
  /**
   * The batches of an epoch in order, from batch `from` on (0 when left out). Of several pictures that cannot be made the
   * first in this order is reported, whatever the number of workers. An epoch that is not read to its end, for whatever
   * reason, ends the workers; the next one starts others.
   *
   * @throws {Error} If a picture cannot be made; names its file or record, or else batch and epoch.
   */
  epoch(epoch: number, from?: number): AsyncGenerator<Batch<A>, void, void>;
  /** Ends the workers; the loader cannot be used after. */
  close(): void;
}

/** A loader of normalised `float32` batches. */
export function createLoader(
  dataset: Dataset,
  options: LoaderOptions & { readonly normalization: Normalization },
): Loader<Float32Array>;
/** A loader of `uint8` batches. */
export function createLoader(
  dataset: Dataset,
  options: LoaderOptions & { readonly normalization?: never },
): Loader<Uint8Array>;
/**
 * A loader of batches, `float32` with normalisation, `uint8` without.
 *
 * @throws {RangeError} If an option is outside its range, the data set is empty or a label is none of its classes.
 */
export function createLoader(dataset: Dataset, options: LoaderOptions): Loader<Float32Array | Uint8Array> {
  const { batchSize, seed = 0, shuffle = false, dropLast = false } = options;
  const recipe = { seed, augmentation: options.augmentation, normalization: options.normalization };
  const packed = canPack(recipe) ? dataset.packed : undefined;
  const workers = options.workers ?? (dataset.packed === undefined ? 2 : 0);
  const queue = options.queue ?? Math.max(1, 2 * workers);
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot load ${dataset.name}: batchSize is ${batchSize}, must be an integer of 1 or more`,
    );
  }
  if (!Number.isInteger(workers) || workers < 0 || !Number.isInteger(queue) || queue < 1) {
    throw new RangeError(
      `Cannot load ${dataset.name}: workers is ${workers} and queue is ${queue}, must be integers of 0 or more and ` +
        "of 1 or more",
    );
  }
  const batches = dropLast ? Math.floor(dataset.length / batchSize) : Math.ceil(dataset.length / batchSize);
  if (batches === 0) {
    throw new RangeError(
      `Cannot load ${dataset.name}: ${dataset.length} pictures make no batch of ${batchSize}, there must be one`,
    );
  }
  // Engines turn such a label into no class at all, and the loss stays finite.
  const stray = dataset.labels.findIndex((label) => !(label >= 0 && label < dataset.classes.length));
  if (stray >= 0) {
    throw new RangeError(
      `Cannot load "${dataset.where(stray)}" of ${dataset.name}: label is ${
        dataset.labels[stray]
      }, must be in ` +
        `0 to ${dataset.classes.length - 1}`,
    );
  }
  const table = recipe.normalization === undefined ? undefined : normalizationTable(recipe.normalization);
  let pool: WorkerPool | undefined;
  let closed = false;
  let reading = 0;
  let waitMs = 0;
  let useMs = 0;

  async function make(epoch: number, index: number, indices: Int32Array): Promise<BatchImages> {
    if (packed !== undefined) return packedBatch(packed, recipe, { epoch, indices, table });
    const sources = Array.from(indices, (index) => dataset.source(index));
    const job: BatchJob = { recipe, epoch, indices, sources };
    try {
      if (workers === 0 || dataset.packed !== undefined) return await makeBatch(job);
      pool ??= new WorkerPool(workers);
      return await pool.run(job);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const what = error instanceof ExampleError
        ? `"${dataset.where(indices[error.position]!)}"`
        : `batch ${index} of epoch ${epoch}`;
      throw new Error(`Cannot load ${what} of ${dataset.name}: ${reason}`, { cause: error });
    }
  }

  async function* epochBatches(epoch: number, from = 0): AsyncGenerator<Batch<Float32Array | Uint8Array>> {
    if (closed) throw new TypeError(`Cannot load ${dataset.name}: the loader is closed`);
    const order = shuffle
      ? permutation(dataset.length, stream(seed, `shuffle/${epoch}`))
      : Int32Array.from({ length: dataset.length }, (_, index) => index);
    const slice = (batch: number): Int32Array => order.slice(batch * batchSize, (batch + 1) * batchSize);
    const ahead: Promise<BatchImages>[] = [];
    let next = from;
    let left = batches - from;
    reading += 1;
    try {
      for (let index = from; index < batches; index++) {
        const asked = performance.now();
        // Pictures in memory cost less than the bookkeeping of making them ahead.
        for (const depth = packed === undefined ? queue : 1; next < batches && ahead.length < depth; next++) {
          const made = make(epoch, next, slice(next));
          made.catch(() => {}); // reported when its turn comes
          ahead.push(made);
        }
        const { width, height, images } = await ahead.shift()!;
        left -= 1;
        const indices = slice(index);
        const given = performance.now();
        waitMs += given - asked;
        yield {
          index,
          shape: [indices.length, height, width, 3],
          images,
          labels: indices.map((picture) => dataset.labels[picture]!),
          indices,
        };
        useMs += performance.now() - given;
      }
    } finally {
      reading -= 1;
      // Left in the middle, mostly by an error: workers nobody will end would keep the process alive.
      if (left > 0 && reading === 0) {
        pool?.close();
        pool = undefined;
      }
    }
  }

  return {
    dataset,
    batches,
    get time(): LoaderTime {
      const totalMs = waitMs + useMs;
      return { waitMs, totalMs, waitShare: totalMs === 0 ? 0 : waitMs / totalMs };
    },
    epoch: epochBatches,
    close(): void {
      closed = true;
      pool?.close();
    },
  };
}
