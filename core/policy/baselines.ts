/**
 * What every policy is measured against, as choosers of the same episode: the same classifier reads what they fetch.
 *
 * @module
 */
import { cellCount, centerOrder, type Grid } from "../geometry/mod.ts";
import { permutation, type Random } from "../random.ts";
import { type Chooser, gridMethod, type GridOptions } from "./grid.ts";
import type { GridState } from "./grid_state.ts";
import type { Method } from "./method.ts";

/** Number of cells to take so that the mean over many pictures is `mean`: one of the two integers around it. */
export function countAround(mean: number, random: Random): number {
  const least = Math.floor(mean);
  return least + (random() < mean - least ? 1 : 0);
}

function choosing(grid: Grid, cells: () => Iterable<number>): Chooser {
  return () => {
    const probabilities = new Float32Array(cellCount(grid));
    for (const cell of cells()) probabilities[cell] = 1;
    return Promise.resolve(probabilities);
  };
}

/** One look at the cells a rule names, then the answer; confidence and levels of the model do not apply. */
function oneLook(options: GridOptions, cells: () => Iterable<number>): Method<GridState> {
  const { confidence: _, ...rest } = options;
  return gridMethod({ ...rest, levels: [0.5] }, choosing(options.grid, cells));
}

/** Random cells, `mean` of them on average over many pictures. */
export function randomCells(options: GridOptions, mean: number, random: Random): Method<GridState> {
  return oneLook(
    options,
    () => permutation(cellCount(options.grid), random).subarray(0, countAround(mean, random)),
  );
}

/** The cells nearest to the centre, `mean` of them on average over many pictures. */
export function centerFirst(options: GridOptions, mean: number, random: Random): Method<GridState> {
  return oneLook(options, () => centerOrder(options.grid).subarray(0, countAround(mean, random)));
}

/** The first cells of one order for all pictures, `mean` of them on average. */
export function fixedSet(
  options: GridOptions,
  order: readonly number[],
  mean: number,
  random: Random,
): Method<GridState> {
  return oneLook(options, () => order.slice(0, countAround(mean, random)));
}

/** No cell: the glance alone (without a glance network: the classifier on an empty canvas). */
export function glanceOnly(options: GridOptions): Method<GridState> {
  return oneLook(options, () => []);
}

/** Every cell. */
export function fullImage(options: GridOptions): Method<GridState> {
  return oneLook(options, () => Array.from({ length: cellCount(options.grid) }, (_, cell) => cell));
}
