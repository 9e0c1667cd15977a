/**
 * Pictures of a data set, one after another, many of them at work at once.
 *
 * @module
 */
import type { Raster } from "../../core/image/mod.ts";
import { createLoader, type Dataset, packedRaster } from "../data/mod.ts";

/** Decoded pictures are kept for a second pass up to this many bytes. */
const KEPT_BYTES = 400 * 2 ** 20;

/** One picture. */
export interface Picture {
  /** Place in the data set. */
  readonly index: number;
  /** Its pixels. */
  readonly pixels: Raster;
  /** Its class. */
  readonly label: number;
}

/** The first pictures of a data set, in its order; a second pass finds what fitted into memory. */
export class Pictures {
  /** How many. */
  readonly count: number;
  readonly #dataset: Dataset;
  readonly #kept = new Map<number, Raster>();
  #bytes = 0;

  /** The first `count` pictures of a data set. */
  constructor(dataset: Dataset, count: number) {
    this.#dataset = dataset;
    this.count = count;
  }

  async *#all(): AsyncGenerator<Picture> {
    const { packed, labels } = this.#dataset;
    const { count } = this;
    if (packed !== undefined) {
      for (let index = 0; index < count; index++) {
        yield { index, pixels: packedRaster(packed, index), label: labels[index]! };
      }
      return;
    }
    let index = 0;
    for (; index < count && this.#kept.has(index); index++) {
      yield { index, pixels: this.#kept.get(index)!, label: labels[index]! };
    }
    if (index === count) return;
    // Batches of one: pictures may differ in size.
    const loader = createLoader(this.#dataset, { batchSize: 1, workers: 2, queue: 8 });
    try {
      for await (const { shape: [, height, width], images } of loader.epoch(0, index)) {
        if (index >= count) break;
        const pixels: Raster = { width, height, data: images };
        if (this.#bytes + images.length <= KEPT_BYTES) {
          this.#kept.set(index, pixels);
          this.#bytes += images.length;
        }
        yield { index, pixels, label: labels[index]! };
        index += 1;
      }
    } finally {
      loader.close();
    }
  }

  /**
   * Works on every picture, on at most `inFlight` at once.
   *
   * @returns One result for every picture, in order.
   */
  async map<T>(inFlight: number, work: (picture: Picture) => Promise<T>): Promise<T[]> {
    const results = new Array<T>(this.count);
    const active = new Set<Promise<void>>();
    let failure: { readonly reason: unknown } | undefined;
    for await (const picture of this.#all()) {
      const task = work(picture).then(
        (result) => void (results[picture.index] = result),
        (reason: unknown) => void (failure ??= { reason }),
      ).finally(() => active.delete(task));
      active.add(task);
      if (active.size >= inFlight) await Promise.race(active);
      if (failure !== undefined) break;
    }
    await Promise.all(active);
    if (failure !== undefined) throw failure.reason;
    return results;
  }
}
