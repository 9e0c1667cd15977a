/**
 * PatchDrop: a small network sees the glance and gives every cell a probability; the cells at or above one half are fetched.
 *
 * Uzkent and Ermon 2020, "Learning When and Where to Zoom with Deep Reinforcement Learning",
 * https://arxiv.org/abs/2003.00425. As published there is one turn (`levels: [0.5]`, no `confidence`). More levels make it
 * patient: if the classifier is not sure after the first cells, those at the next level are fetched too.
 *
 * @module
 */
import { pick, sigmoid } from "../tensor.ts";
import { type Chooser, gridMethod, type GridOptions } from "./grid.ts";
import type { GridState } from "./grid_state.ts";
import type { Method } from "./method.ts";
import { normalizationTable, toInput } from "./pixels.ts";

/** The policy network as a chooser: `policy`, input `glance`, output `logits` of shape `[N, K]`. */
export function policyChooser({ normalization }: Pick<GridOptions, "normalization">): Chooser {
  const table = normalizationTable(normalization);
  return async (run, glance) =>
    pick(await run("policy", { glance: toInput([glance], table) }), "logits").data.map(sigmoid);
}

/** PatchDrop as an episode. */
export function patchDrop(options: GridOptions): Method<GridState> {
  return gridMethod(options, policyChooser(options));
}

/**
 * Reward of an action (2020 tree):
 *
 *     R(u) = 1 - (sum(u) / K)^2  if the class is right,  penalty otherwise
 *
 * @param used Number of patches, in 0 to `zeroAt`.
 * @param correct Whether the class is right.
 * @param options `zeroAt`: patches at which a right answer is worth nothing (as published: K); `penalty`: reward of a wrong
 *   answer, at most 0.
 */
export function reward(
  used: number,
  correct: boolean,
  { zeroAt, penalty }: { readonly zeroAt: number; readonly penalty: number },
): number {
  return correct ? 1 - (used / zeroAt) ** 2 : penalty;
}

/**
 * Reward of the 2019 tree: linear in the patches, half a point for the right class, no penalty.
 *
 *     R(u) = (1 - sum(u) / K) + correct / 2
 */
export function linearReward(used: number, correct: boolean, cells: number): number {
  return 1 - used / cells + (correct ? 0.5 : 0);
}

/** Probabilities kept away from 0 and 1 while exploring: `alpha * s + (1 - alpha) * (1 - s)`. */
export function bounded(probability: number, alpha: number): number {
  return alpha * probability + (1 - alpha) * (1 - probability);
}
