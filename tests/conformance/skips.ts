/**
 * What is known not to work, and why. A skip that matches no case is an error: it has outlived its reason.
 *
 * @module
 */
import type { Case } from "./cases.ts";
import type { Backend } from "./tolerances.ts";

/** Cases a backend does not run. */
export interface Skip {
  /** Who. */
  readonly backend: Backend;
  /** Matched against the names of cases. */
  readonly cases: RegExp;
  /** What is left out. */
  readonly part: "forward" | "gradient" | "both";
  /** Why; printed. */
  readonly reason: string;
}

/** The list. */
export const SKIPS: readonly Skip[] = [];

/** Skips that match no part of any case. */
export function deadSkips(skips: readonly Skip[], cases: readonly Case[]): readonly Skip[] {
  return skips.filter((skip) => {
    const matched = cases.filter(({ name }) => skip.cases.test(name));
    return skip.part === "gradient"
      ? matched.every(({ differentiable }) => differentiable.length === 0)
      : matched.length === 0;
  });
}

/** Why a backend skips a part of a case, if it does. */
export function skipOf(backend: Backend, test: Case, part: "forward" | "gradient"): string | undefined {
  return SKIPS.find((skip) =>
    skip.backend === backend && (skip.part === part || skip.part === "both") && skip.cases.test(test.name)
  )?.reason;
}
