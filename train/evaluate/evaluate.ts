/**
 * Evaluation: every picture played as an episode, many at once, beside the baselines at the same number of patches.
 *
 * @module
 */
import { gridOptionsOf, type Manifest, methodOf, operatingPoint } from "../../core/bundle/mod.ts";
import { area, cellCount, centerOrder, patchBox } from "../../core/geometry/mod.ts";
import {
  batchingRun,
  type Belief,
  type Budget,
  centerFirst,
  fixedSet,
  fullImage,
  glanceOnly,
  type GridOptions,
  type GridState,
  type Method,
  policyChooser,
  randomCells,
  type Run,
  type SourceCost,
} from "../../core/policy/mod.ts";
import { permutation, stream } from "../../core/random.ts";
import { argmax } from "../../core/tensor.ts";
import type { Dataset } from "../data/mod.ts";
import { type Picture, Pictures } from "./pictures.ts";
import { Device, type Episode, play } from "./play.ts";
import { playPrefixes, ranking } from "./prefixes.ts";
import type { BaselineName, Curve, EvaluationReport, Measured } from "./report.ts";
import { calibrationError } from "./temperature.ts";

/** What to evaluate. */
export interface EvaluateOptions {
  /** The model. */
  readonly manifest: Manifest;
  /** Runs its networks; calls are put together here. */
  readonly run: Run;
  /** Labelled pictures; their classes are the model's. */
  readonly dataset: Dataset;
  /** Name of the operating point. @default the first */
  readonly point?: string;
  /** The first so many pictures, in the order of the data. @default all */
  readonly images?: number;
  /** Seed of the random baselines. @default 0 */
  readonly seed?: number;
  /** What may be spent on a picture. @default nothing is limited */
  readonly budget?: Budget;
  /** What a byte budget expects patches to cost. @default JPEG_COST */
  readonly cost?: SourceCost;
  /** Pictures to follow every ranking cell by cell on; 0: no curves. @default 0 */
  readonly curveImages?: number;
  /** Most cells of a curve. @default 64 */
  readonly curveCells?: number;
  /** Pictures at work at once. @default 256 */
  readonly inFlight?: number;
  /** Most rows of a batch. @default 128 */
  readonly maxRows?: number;
  /** Told after every picture of every pass: pictures done of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Bytes of wholes are counted on this many pictures where encoding changes no pixel. */
const WHOLE_IMAGES = 256;

/** What is kept of a played picture. */
interface Row {
  readonly episode: Episode;
  readonly correct: number;
  readonly macs: number;
}

/**
 * Plays a data set.
 *
 * @throws {RangeError} If the data set has other classes than the model, or there is no such operating point.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationReport> {
  const { manifest, dataset, seed = 0, inFlight = 256 } = options;
  checkClasses(manifest, dataset);
  const images = Math.min(options.images ?? dataset.length, dataset.length);
  if (!(images >= 1)) throw new RangeError(`Cannot evaluate: images is ${options.images}, must be 1 or more`);
  const point = operatingPoint(manifest, options.point);
  const method = methodOf(manifest, point);
  const grid = gridOptionsOf(manifest, point);
  const run = batchingRun(options.run, { maxRows: options.maxRows ?? 128 });
  const pictures = new Pictures(dataset, images);
  const curveImages = Math.min(options.curveImages ?? 0, images);
  const total = 2 * images + curveImages;
  let done = 0;
  const step = (): void => options.onProgress?.(++done, total);
  const rows = await pictures.map(inFlight, async ({ pixels, label }): Promise<Row> => {
    const device = new Device(pixels, manifest);
    const meter = metered(run, manifest);
    const { budget = {} } = options;
    const cost = options.cost === undefined ? {} : { cost: options.cost };
    const episode = await play({ method, run: meter.run, device, budget, ...cost });
    step();
    return { episode, correct: argmax(episode.belief) === label ? 1 : 0, macs: meter.macs() };
  });
  const mean = average(rows, ({ episode }) => episode.cells.length);
  const { baselines, wholeBytes } = await playBaselines({
    pictures,
    manifest,
    grid,
    run,
    mean,
    seed,
    inFlight,
    step,
  });
  const curves = await playCurves({
    pictures: new Pictures(dataset, curveImages),
    manifest,
    grid,
    run,
    seed,
    inFlight,
    depth: Math.min(cellCount(grid.grid), options.curveCells ?? 64),
    step,
  });
  return {
    model: manifest.id,
    version: manifest.version,
    point: point.name,
    data: dataset.name,
    dataHash: dataset.hash,
    images,
    seed,
    ...summarise(rows, wholeBytes, manifest),
    baselines,
    curves,
    curveImages,
  };
}

function checkClasses({ id, classes }: Manifest, dataset: Dataset): void {
  const wrong = dataset.classes.findIndex((name, i) => name !== classes[i]);
  if (wrong >= 0 || dataset.classes.length !== classes.length) {
    throw new RangeError(
      `Cannot evaluate "${id}" on ${dataset.name}: its ${dataset.classes.length} classes ` +
        `(${dataset.classes.slice(0, 3).join(", ")}, …) must be the model's ${classes.length} ` +
        `(${classes.slice(0, 3).join(", ")}, …), in the same order`,
    );
  }
}

function average<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0) / Math.max(1, items.length);
}

/** Counts multiply-accumulates of one episode. */
function metered(run: Run, { networks }: Manifest): { readonly run: Run; readonly macs: () => number } {
  let macs = 0;
  return {
    macs: () => macs,
    run: (network, inputs) => {
      macs += (networks[network]?.macs ?? 0) * (Object.values(inputs)[0]?.shape[0] ?? 0);
      return run(network, inputs);
    },
  };
}

function summarise(
  rows: readonly Row[],
  wholeBytes: readonly number[],
  manifest: Manifest,
): Pick<
  EvaluationReport,
  "accuracy" | "patches" | "turns" | "pixels" | "bytes" | "macs" | "calibration"
> {
  const episodes = rows.map(({ episode }) => episode);
  const mean = average(episodes, ({ cells }) => cells.length);
  const variance = average(episodes, ({ cells }) => (cells.length - mean) ** 2);
  const sets = new Set(episodes.map(({ cells }) => cells.toSorted((a, b) => a - b).join()));
  const { frame, glance, method: { grid } } = manifest;
  const framePixels = frame.width * frame.height;
  const bytesOf = ({ glanceBytes, patchBytes }: Episode): number => glanceBytes + patchBytes;
  const sampled = episodes.filter((_, i) => wholeBytes[i]! > 0);
  const whole = average(wholeBytes.filter((bytes) => bytes > 0), (bytes) => bytes);
  const confidences = episodes.map(({ belief }) => Math.max(...belief));
  return {
    accuracy: average(rows, ({ correct }) => correct),
    patches: { mean, std: Math.sqrt(variance), distinct: sets.size },
    turns: average(episodes, ({ turns }) => turns),
    pixels: {
      patches: mean * area(patchBox(grid, 0)) / framePixels,
      glance: glance.width * glance.height / framePixels,
    },
    bytes: {
      glance: average(episodes, ({ glanceBytes }) => glanceBytes),
      patches: average(episodes, ({ patchBytes }) => patchBytes),
      total: average(episodes, bytesOf),
      whole,
      saving: 1 - average(sampled, bytesOf) / whole,
      wholeImages: sampled.length,
    },
    macs: average(rows, ({ macs }) => macs),
    calibration: {
      error: calibrationError(confidences, rows.map(({ correct }) => correct)),
      confidence: average(confidences, (value) => value),
    },
  };
}

interface Pass {
  readonly pictures: Pictures;
  readonly manifest: Manifest;
  readonly grid: GridOptions;
  readonly run: Run;
  readonly seed: number;
  readonly inFlight: number;
  readonly step: () => void;
}

/** All baselines of a picture together, so that it is rendered and its patches are encoded once. */
async function playBaselines(
  { pictures, manifest, grid, run, mean, seed, inFlight, step }: Pass & { readonly mean: number },
): Promise<{ readonly baselines: EvaluationReport["baselines"]; readonly wholeBytes: readonly number[] }> {
  const wholeStep = Math.max(1, Math.floor(pictures.count / WHOLE_IMAGES));
  /** Every picture has streams of its own, so that nothing depends on the order in which episodes end. */
  const methods = (index: number): Record<Exclude<BaselineName, "glance">, Method<GridState>> => {
    const draws = (name: string) => stream(seed, `baseline/${name}/${index}`);
    return {
      full: fullImage(grid),
      random: randomCells(grid, mean, draws("random")),
      center: centerFirst(grid, mean, draws("count")),
      fixed: fixedSet(grid, manifest.fixedOrder, mean, draws("count")),
    };
  };
  /** Without a glance network the answer without a patch is the same for every picture. */
  let blind: Promise<Belief> | undefined;
  const glanceBelief = (device: Device): Promise<Belief> => {
    const fresh = (): Promise<Belief> =>
      play({ method: glanceOnly(grid), run, device, counted: false }).then(({ belief }) => belief);
    return grid.glanceNetwork ? fresh() : (blind ??= fresh());
  };
  const rows = await pictures.map(inFlight, async ({ index, pixels, label }: Picture) => {
    const device = new Device(pixels, manifest);
    const whole = await device.whole({ counted: index % wholeStep === 0 });
    const [belief, ...others] = await Promise.all([
      glanceBelief(device),
      ...Object.entries(methods(index)).map(async ([name, method]) => {
        const from = name === "full" ? whole.device : device;
        const { belief, cells } = await play({ method, run, device: from, counted: false });
        return [name, { accuracy: argmax(belief) === label ? 1 : 0, patches: cells.length }] as const;
      }),
    ]);
    step();
    const played = Object.fromEntries([
      ["glance", { accuracy: argmax(belief) === label ? 1 : 0, patches: 0 }],
      ...others,
    ]) as Record<BaselineName, Measured>;
    return { ...played, wholeBytes: whole.bytes };
  });
  const mean1 = (name: BaselineName): Measured => ({
    accuracy: average(rows, (row) => row[name].accuracy),
    patches: average(rows, (row) => row[name].patches),
  });
  const baselines = {
    glance: mean1("glance"),
    full: mean1("full"),
    random: mean1("random"),
    center: mean1("center"),
    fixed: mean1("fixed"),
  };
  return { baselines, wholeBytes: rows.map(({ wholeBytes }) => wholeBytes) };
}

/** Accuracy after every cell of four rankings. */
async function playCurves(
  { pictures, manifest, grid, run, seed, inFlight, step, depth }: Pass & { readonly depth: number },
): Promise<Curve[]> {
  if (pictures.count === 0) return [];
  const choose = policyChooser(grid);
  const center = centerOrder(grid.grid);
  const rows = await pictures.map(inFlight, async ({ index, pixels, label }) => {
    const device = new Device(pixels, manifest);
    const probabilities = await choose(run, (await device.glance({ counted: false })).pixels);
    const orders: Record<string, ArrayLike<number>> = {
      policy: ranking(probabilities),
      fixed: manifest.fixedOrder,
      center,
      random: permutation(center.length, stream(seed, `curve/random/${index}`)),
    };
    const right = await Promise.all(
      Object.entries(orders).map(async ([name, order]) => {
        const { beliefs, blind } = await playPrefixes({ options: grid, run, device, order, depth });
        return [
          name,
          [blind, ...beliefs.slice(1)].map((belief) => argmax(belief) === label ? 1 : 0),
        ] as const;
      }),
    );
    step();
    return Object.fromEntries(right) as Record<string, number[]>;
  });
  return Object.keys(rows[0]!).map((name) => ({
    name,
    points: rows[0]![name]!.map((_, patches) => ({
      patches,
      accuracy: average(rows, (row) => row[name]![patches]!),
    })),
  }));
}
