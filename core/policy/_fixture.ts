/**
 * A grid model that can be worked by hand: 2 x 2 cells of 2 px, 3 classes, and networks that are rules.
 *
 * A class has a colour channel: the classifier's logit of class c is the sum of channel c over the canvas, the reader's that
 * over the patch. The policy is a table of probabilities.
 *
 * @module
 */
import { type Raster, raster } from "../image/raster.ts";
import { type Named, pick, type Tensor, tensor } from "../tensor.ts";
import type { GridOptions } from "./grid.ts";
import type { Ask, Observation, Plan, Run } from "./method.ts";
import { JPEG_COST } from "./budget.ts";

/** Plain pixels: 255 is 1, 0 is 0. */
export const OPTIONS: GridOptions = {
  grid: { rows: 2, columns: 2, cell: 2, halo: 0 },
  classes: 3,
  reading: "canvas",
  normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
  glanceNetwork: false,
  fusion: "none",
  levels: [0.5],
  temperature: 1,
};

/** No limits. */
export const FREE: Ask = { budget: {}, cost: JPEG_COST };

/** The glance; what is in it does not matter. */
export const GLANCE: Raster = raster(1, 1);

/** Networks that are rules, and the names of those that were run. */
export function rules({ probabilities, glance = [0, 0, 0] }: {
  readonly probabilities: readonly number[];
  readonly glance?: readonly number[];
}): { readonly run: Run; readonly calls: string[] } {
  const calls: string[] = [];
  const logit = (p: number): number => Math.log(p / (1 - p));
  const run: Run = (network, inputs) => {
    calls.push(network);
    if (network === "policy") return one("logits", probabilities.map(logit));
    if (network === "glance") return one("logits", glance);
    const x = pick(inputs, network === "classifier" ? "image" : "patch");
    const rows = x.shape[0]!;
    const sums = new Float32Array(rows * 3);
    const pixels = x.data.length / rows;
    x.data.forEach((value, i) => sums[Math.floor(i / pixels) * 3 + i % 3]! += value);
    return Promise.resolve({ logits: tensor([rows, 3], sums) });
  };
  return { run, calls };
}

function one(name: string, values: readonly number[]): Promise<Named<Tensor>> {
  return Promise.resolve({ [name]: tensor([1, values.length], Float32Array.from(values)) });
}

/** A patch of one colour: channel `c` at full, the others at nothing; `undefined` is black. */
export function patch(id: number, c?: number): Observation {
  const pixels = raster(2, 2);
  if (c !== undefined) { for (let i = c; i < 12; i += 3) pixels.data[i] = 255; }
  return { id, pixels };
}

/** Cells of a plan. */
export function cellsOf(plan: Plan): number[] {
  return plan.map(({ id }) => id);
}
