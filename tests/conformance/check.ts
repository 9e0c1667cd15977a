/**
 * What is checked of every training engine, as data: `engines_test.ts` runs it in Deno, `tests/browser` in a web page.
 *
 * @module
 */
import { optimizerChecks } from "./check_optimizers.ts";
import { ruleChecks } from "./check_rules.ts";
import { trainingChecks } from "./check_training.ts";
import type { Backend } from "./tolerances.ts";

/** The rows of the tables that training engines belong to. */
export type EngineBackend = Exclude<Backend, "ort-web" | "ort-node">;

/** One thing to check of the engine that is open. */
export interface Check {
  /** Checks of a group follow each other and are reported together. */
  readonly group: string;
  /** Unique within a claim. */
  readonly name: string;
  /** Why it is not run on this backend. */
  readonly skipped?: string;
  /** Throws where the engine is wrong. */
  readonly run: () => Promise<void>;
}

/** What must hold of every engine, and the checks that show it. */
export const CLAIMS: Readonly<Record<string, (backend: EngineBackend) => Check[]>> = {
  "tfjsRules() and their gradients mean what the reference says": ruleChecks,
  "Optimizer moves variables as worked by hand": optimizerChecks,
  "step() trains a network, leaves no tensor behind and does the same for the same seed": trainingChecks,
};
