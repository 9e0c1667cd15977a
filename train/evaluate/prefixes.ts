/**
 * Rankings followed cell by cell: what the episode believes after every prefix. Played with the episode itself, so that curves,
 * thresholds and what is served cannot drift apart.
 *
 * @module
 */
import { gridOptionsOf, type Manifest } from "../../core/bundle/mod.ts";
import { cellCount } from "../../core/geometry/mod.ts";
import {
  batchingRun,
  type Belief,
  glanceOnly,
  gridMethod,
  type GridOptions,
  policyChooser,
  type Run,
} from "../../core/policy/mod.ts";
import { argmax } from "../../core/tensor.ts";
import type { Dataset } from "../data/mod.ts";
import { Pictures } from "./pictures.ts";
import { Device, play } from "./play.ts";
import type { PrefixTable } from "./thresholds.ts";

/** What {@link playPrefixes} needs. */
export interface PrefixOptions {
  /** The model; its levels and confidence do not matter. */
  readonly options: GridOptions;
  /** Runs networks. */
  readonly run: Run;
  /** The picture. */
  readonly device: Device;
  /** Cells, best first. */
  readonly order: ArrayLike<number>;
  /** How many of them to follow. @default all */
  readonly depth?: number;
}

/** Beliefs along a ranking. */
export interface Prefixes {
  /** The belief the episode has when it decides after `k` cells, `k = 0 … depth`. */
  readonly beliefs: readonly Belief[];
  /** The belief it answers with when no cell is looked at at all. */
  readonly blind: Belief;
}

/** Plays one picture through a ranking, one cell a turn. */
export async function playPrefixes(x: PrefixOptions): Promise<Prefixes> {
  const { options, run, device, order } = x;
  const depth = Math.min(x.depth ?? order.length, order.length);
  // Levels that let exactly one more cell through each turn.
  const rankLevel = (rank: number): number => Math.fround(1 - rank / order.length);
  const probabilities = new Float32Array(cellCount(options.grid));
  for (let rank = 0; rank < order.length; rank++) probabilities[order[rank]!] = rankLevel(rank);
  const { confidence: _, ...patient } = options;
  const levels = Array.from({ length: depth }, (_, rank) => rankLevel(rank));
  const method = gridMethod({ ...patient, levels }, () => Promise.resolve(probabilities));
  const [{ beliefs }, blind] = await Promise.all([
    play({ method, run, device, counted: false }),
    play({ method: glanceOnly(options), run, device, counted: false }),
  ]);
  return { beliefs, blind: blind.belief };
}

/** Cells by probability, best first; of equals the lower number, as the episode ranks them. */
export function ranking(probabilities: Float32Array): Int32Array {
  return Int32Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
}

/** What {@link tabulate} needs. */
export interface TabulateOptions {
  /** The model. */
  readonly manifest: Manifest;
  /** Runs its networks; calls are put together here. */
  readonly run: Run;
  /** Validation pictures. */
  readonly dataset: Dataset;
  /** How many, from the first on. @default all */
  readonly images?: number;
  /** Episodes at once. @default 256 */
  readonly inFlight?: number;
  /** Most rows of a batch. @default 128 */
  readonly maxRows?: number;
  /** Told after every picture. */
  readonly onPicture?: () => void;
}

/** A table for {@link solveThresholds}, and the beliefs behind it for {@link fitTemperature}. */
export interface Tabulated {
  /** The table. */
  readonly table: PrefixTable;
  /** `float32[N, K + 1, C]`; row 0 is what the model answers having looked at nothing. */
  readonly beliefs: Float32Array;
  /** `int32[N]`. */
  readonly labels: Int32Array;
}

/** Follows the policy's ranking on every picture to the last cell. */
export async function tabulate(x: TabulateOptions): Promise<Tabulated> {
  const { manifest, dataset } = x;
  const images = Math.min(x.images ?? dataset.length, dataset.length);
  const cells = cellCount(manifest.method.grid);
  const classes = manifest.classes.length;
  const options = gridOptionsOf(manifest, { levels: [0.5] });
  const run = batchingRun(x.run, { maxRows: x.maxRows ?? 128 });
  const choose = policyChooser(options);
  const table: PrefixTable = {
    images,
    cells,
    probabilities: new Float32Array(images * cells),
    confidence: new Float32Array(images * (cells + 1)),
    correct: new Uint8Array(images * (cells + 1)),
  };
  const all = new Float32Array(images * (cells + 1) * classes);
  await new Pictures(dataset, images).map(x.inFlight ?? 256, async ({ index, pixels, label }) => {
    const device = new Device(pixels, manifest);
    const probabilities = await choose(run, (await device.glance({ counted: false })).pixels);
    const order = ranking(probabilities);
    const { beliefs, blind } = await playPrefixes({ options, run, device, order });
    table.probabilities.set(Array.from(order, (cell) => probabilities[cell]!), index * cells);
    beliefs.forEach((belief, k) => {
      const row = index * (cells + 1) + k;
      const answer = k === 0 ? blind : belief;
      table.confidence[row] = Math.max(...belief);
      table.correct[row] = argmax(answer) === label ? 1 : 0;
      all.set(answer, row * classes);
    });
    x.onPicture?.();
  });
  return { table, beliefs: all, labels: dataset.labels.slice(0, images) };
}
