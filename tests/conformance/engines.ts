/**
 * Tests that run on every training engine that is present.
 *
 * @module
 */
import {
  type Engine,
  ENGINE_NAMES,
  type EngineName,
  EngineUnavailable,
  open,
} from "../../train/engine/mod.ts";
import type { EngineBackend } from "./check.ts";

/** The row of the tables an engine belongs to: both native engines share one. */
export function backendOf(name: EngineName): EngineBackend {
  return name === "node-gpu" ? "node" : name;
}

/** Registers one test per engine. */
export function onEveryEngine(
  claim: string,
  test: (t: Deno.TestContext, engine: Engine) => Promise<void>,
): void {
  onEngines(ENGINE_NAMES, claim, test);
}

/** Registers one test for each of some engines; where the engine is not present its only step is ignored and named after the reason. */
export function onEngines(
  names: readonly EngineName[],
  claim: string,
  test: (t: Deno.TestContext, engine: Engine) => Promise<void>,
): void {
  for (const name of names) {
    Deno.test({
      name: `${claim} on ${name}`,
      // Engines start threads and libraries that outlive a test.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async (t) => {
        let engine: Engine;
        try {
          engine = await open(name);
        } catch (error) {
          if (!(error instanceof EngineUnavailable)) throw error;
          await t.step({ name: `not here: ${error.reason}`, ignore: true, fn: () => {} });
          return;
        }
        try {
          await test(t, engine);
        } finally {
          engine.close();
        }
      },
    });
  }
}
