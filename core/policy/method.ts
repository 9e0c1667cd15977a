/**
 * The episode: what a method says after each observation. Pure; shared by evaluation and serving.
 *
 * A method never sees HTTP, JPEG or a runtime. It is handed a {@link Run} and pictures, and answers {@link Turn}s.
 *
 * @module
 */
import type { Box, Size } from "../geometry/mod.ts";
import type { Raster } from "../image/raster.ts";
import type { Named, Tensor } from "../tensor.ts";
import type { Budget, SourceCost } from "./budget.ts";

/**
 * Runs one network of the bundle. Inputs and outputs have the batch as their first axis, any number of rows. Calls that are made
 * together may be computed together.
 */
export type Run = (network: string, inputs: Named<Tensor>) => Promise<Named<Tensor>>;

/** What is known so far: calibrated class probabilities, summing to 1. */
export type Belief = Float32Array;

/** A box of the frame worth fetching, and the size the model wants it decoded to. */
export interface Patch {
  /** Stable within a model: the number of the cell. */
  readonly id: number;
  /** In frame pixels. */
  readonly box: Box;
  /** Decoded size in pixels. */
  readonly size: Size;
  /** Expected gain in the method's own unit (PatchDrop: probability of the cell); larger is better. */
  readonly gain: number;
}

/** Patches to fetch, best first. */
export type Plan = readonly Patch[];

/** A patch as the client could get it. */
export interface Observation {
  /** Id of the planned patch. */
  readonly id: number;
  /** Its pixels, of the planned size. */
  readonly pixels: Raster;
}

/** What the caller asks for. */
export interface Ask {
  /** What is left to spend. Empty: the method behaves as published. */
  readonly budget: Budget;
  /** What fetching costs at the source. */
  readonly cost: SourceCost;
}

/** Why a method stopped: sure enough, nothing left to spend, or nothing left to look at. */
export type Because = "confident" | "budget" | "exhausted";

/** What a method says: a belief, and either a plan to look or an answer. */
export type Turn<State> =
  & { readonly belief: Belief }
  & (
    | { readonly kind: "look"; readonly plan: Plan; readonly state: State }
    | { readonly kind: "answer"; readonly because: Because }
  );

/** A state as bytes: versioned, bounded, checked on decoding. */
export interface Codec<State> {
  /** Most bytes a state can take. */
  readonly maxBytes: number;
  /** Bytes of a state. */
  encode(state: State): Uint8Array;
  /**
   * The state of bytes.
   *
   * @throws {SyntaxError} If the bytes are not a state of this method.
   */
  decode(bytes: Uint8Array): State;
}

/** A way of looking at pictures. */
export interface Method<State> {
  /** What to do having seen the glance only. */
  begin(run: Run, glance: Raster, ask: Ask): Promise<Turn<State>>;
  /**
   * What to do after looking.
   *
   * @param run Runs networks.
   * @param state What {@link Method.begin} or the last `resume` returned.
   * @param seen What the client could get of the last plan: all of it, part of it, or nothing.
   * @param ask What is left to spend now.
   * @throws {RangeError} If a patch was not asked for, comes twice, or has the wrong size.
   */
  resume(run: Run, state: State, seen: readonly Observation[], ask: Ask): Promise<Turn<State>>;
  /** How its state travels. */
  readonly state: Codec<State>;
}
