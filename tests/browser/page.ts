/**
 * Runs in a web page: opens engines through the door for pages and runs the checks that `tests/conformance` runs in Deno.
 *
 * @module
 */
import { type EngineName, EngineUnavailable, open, type OpenOptions } from "../../train/engine/browser.ts";
import { type Check, CLAIMS } from "../conformance/check.ts";
import type { Listed } from "../conformance/steps.ts";

/** The engines a page can have. */
export type PageEngine = "webgpu" | "wasm" | "cpu";

/** What {@linkcode Conformance.open} says. */
export interface Opened {
  /** Why there is no engine; empty where there is. */
  readonly unavailable: string;
  /** The engine's name, or the one that was asked for. */
  readonly name: EngineName | "auto";
  /** What computes. */
  readonly device: string;
  /** Whether a processor imitates a GPU. */
  readonly software: boolean;
  /** Better engines that `auto` could not take. */
  readonly passedOver: readonly string[];
}

/** What a test calls. Everything that crosses is JSON. */
export interface Conformance {
  /** Opens an engine, which stays open as long as the page. */
  open(name: EngineName | "auto", options: OpenOptions): Promise<Opened>;
  /** The checks of a claim. */
  list(engine: PageEngine, claim: string): Listed[];
  /** Runs one of them. */
  run(name: string): Promise<void>;
}

let listed = new Map<string, Check>();

const conformance: Conformance = {
  async open(name, options) {
    try {
      const engine = await open(name, options);
      const { device, software, passedOver } = engine;
      return {
        unavailable: "",
        name: engine.name,
        device,
        software,
        passedOver: passedOver.map(({ name }) => name),
      };
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      return { unavailable: error.reason, name, device: "", software: false, passedOver: [] };
    }
  },
  list(engine, claim) {
    const checks = CLAIMS[claim]!(engine);
    listed = new Map(checks.map((check) => [check.name, check]));
    return checks.map(({ run: _, ...rest }) => rest);
  },
  run: (name) => listed.get(name)!.run(),
};

Object.assign(globalThis, { conformance });
