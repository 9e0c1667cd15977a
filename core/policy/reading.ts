/**
 * How the patches of a grid become class logits.
 *
 * `canvas`: patches are pasted onto an empty frame (zeros after normalisation, that is the mean colour) and one classifier
 * reads the frame, as PatchDrop does. `patches`: one reader sees every patch alone and the evidence is summed, so that a patch
 * that was not fetched costs nothing (Brendel and Bethge 2019, BagNet, which the PatchDrop paper uses for its run times).
 *
 * @module
 */
import { frameOf, type Grid, patchBox, patchSide } from "../geometry/mod.ts";
import type { Raster } from "../image/raster.ts";
import { pick, tensor } from "../tensor.ts";
import type { Observation, Run } from "./method.ts";
import { paste, toInput } from "./pixels.ts";

/** Which of the two readings. */
export type ReadingName = "canvas" | "patches";

/** A reading: what is remembered of the patches seen, as bytes a client can carry. */
export interface Reading {
  /** Network of the bundle it runs. */
  readonly network: string;
  /** Most bytes of memory. */
  readonly maxBytes: number;
  /** Memory of nothing. */
  readonly nothing: Uint8Array;
  /** Whether bytes of this length can be the memory of `count` patches. */
  fits(bytes: number, count: number): boolean;
  /**
   * Memory with more patches in it.
   *
   * @param before Memory of the patches at the cells `known`, ascending.
   * @param seen New patches, by ascending cell.
   */
  absorb(
    run: Run,
    before: Uint8Array,
    known: readonly number[],
    seen: readonly Observation[],
  ): Promise<Uint8Array>;
  /** `float32[C]`, class logits of a memory of the patches at the cells `known`, ascending. */
  logits(run: Run, memory: Uint8Array, known: readonly number[]): Promise<Float32Array>;
}

/** Patches on a canvas, read by the network `classifier`. The memory is their pixels, in order of cells. */
export function canvasReading(grid: Grid, table: Float32Array): Reading {
  const side = patchSide(grid);
  const bytes = side * side * 3;
  const { width, height } = frameOf(grid);
  return {
    network: "classifier",
    maxBytes: bytes * grid.rows * grid.columns,
    nothing: new Uint8Array(0),
    fits: (length, count) => length === bytes * count,
    absorb(_run, before, known, seen) {
      const patches = new Map<number, Uint8Array>(
        known.map((cell, i) => [cell, before.subarray(i * bytes, (i + 1) * bytes)]),
      );
      for (const { id, pixels } of seen) patches.set(id, pixels.data);
      const memory = new Uint8Array(bytes * patches.size);
      [...patches].sort(([a], [b]) => a - b).forEach(([, data], i) => memory.set(data, i * bytes));
      return Promise.resolve(memory);
    },
    async logits(run, memory, known) {
      const canvas = tensor([1, height, width, 3]);
      known.forEach((cell, i) => {
        const pixels: Raster = {
          width: side,
          height: side,
          data: memory.subarray(i * bytes, (i + 1) * bytes),
        };
        paste(canvas, pixels, patchBox(grid, cell), table);
      });
      return pick(await run("classifier", { image: canvas }), "logits").data;
    },
  };
}

/** Patches read one by one by the network `reader`. The memory is the sum of their evidence, `float32[C]`. */
export function patchReading(classes: number, table: Float32Array): Reading {
  return {
    network: "reader",
    maxBytes: 4 * classes,
    nothing: new Uint8Array(4 * classes),
    fits: (length) => length === 4 * classes,
    async absorb(run, before, _known, seen) {
      const sum = new Float32Array(before.slice().buffer);
      if (seen.length > 0) {
        const { data } = pick(
          await run("reader", { patch: toInput(seen.map(({ pixels }) => pixels), table) }),
          "logits",
        );
        for (let i = 0; i < data.length; i++) sum[i % classes]! += data[i]!;
      }
      return new Uint8Array(sum.buffer);
    },
    logits: (_run, memory) => Promise.resolve(new Float32Array(memory.slice().buffer)),
  };
}
