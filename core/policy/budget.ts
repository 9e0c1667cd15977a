/**
 * Budgets: what may still be spent, and which of the ranked patches are asked for.
 *
 * @module
 */
import type { Plan } from "./method.ts";

/** Limits of one classification; what is absent is unlimited. */
export interface Budget {
  /** Most patches. */
  readonly patches?: number;
  /** Most bytes, glance included. */
  readonly bytes?: number;
  /** Most turns of looking. */
  readonly turns?: number;
  /** Stop as soon as the largest class probability reaches this; in (0, 1]. */
  readonly confidence?: number;
}

/** What has been spent. */
export interface Spent {
  /** Patches received. */
  readonly patches: number;
  /** Bytes received, glance included. */
  readonly bytes: number;
  /** Turns of looking. */
  readonly turns: number;
}

/** What fetching is expected to cost at a source. */
export interface SourceCost {
  /** Bytes of a request whatever it asks for: headers of HTTP and of the image format. */
  readonly bytesPerRequest: number;
  /** Bytes of compressed image per decoded pixel. */
  readonly bytesPerPixel: number;
}

/** A source of JPEG files at usual quality: 4:2:0 at quality 85 takes about 0.2 bytes a pixel, its headers 600 bytes. */
export const JPEG_COST: SourceCost = { bytesPerRequest: 600, bytesPerPixel: 0.2 };

/** Bytes a plan is expected to cost. */
export function expectedBytes(plan: Plan, cost: SourceCost): number {
  return plan.reduce(
    (total, { size }) => total + cost.bytesPerRequest + cost.bytesPerPixel * size.width * size.height,
    0,
  );
}

/** The budget that is left. */
export function remaining(budget: Budget, spent: Spent): Budget {
  return {
    ...budget,
    ...(budget.patches === undefined ? {} : { patches: Math.max(0, budget.patches - spent.patches) }),
    ...(budget.bytes === undefined ? {} : { bytes: Math.max(0, budget.bytes - spent.bytes) }),
    ...(budget.turns === undefined ? {} : { turns: Math.max(0, budget.turns - spent.turns) }),
  };
}

/**
 * The patches of a ranked plan to ask for now: best first, as many as the budget lets in. A patch that is too dear is passed
 * over for cheaper ones behind it.
 */
export function afford(plan: Plan, budget: Budget, cost: SourceCost): Plan {
  if (budget.turns !== undefined && budget.turns < 1) return [];
  let patches = budget.patches ?? Infinity;
  let bytes = budget.bytes ?? Infinity;
  return plan.filter((patch) => {
    const price = expectedBytes([patch], cost);
    if (patches < 1 || price > bytes) return false;
    patches -= 1;
    bytes -= price;
    return true;
  });
}
