/**
 * What an engine is asked and what it is made of.
 *
 * @module
 */
import type { GlanceRequest, KeyRing, WireTurn } from "../protocol/mod.ts";
import type { Catalog } from "./catalog.ts";
import type { Compute } from "./compute.ts";
import type { Gate } from "./gate.ts";
import type { Limits } from "./limits.ts";

/** What an engine is made of. */
export interface EngineOptions {
  /** Models. */
  readonly catalog: Catalog;
  /** Where networks and codecs run. */
  readonly compute: Compute;
  /** Keys of states. */
  readonly keys: KeyRing;
  /** Bounds. */
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Most rows of a batch. */
  readonly maxRows: number;
  /** Milliseconds a network waits for more rows. */
  readonly queueDelayMs: number;
}

/** How a call is followed. */
export interface CallContext {
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
  /** Told how long each part took, in milliseconds. */
  readonly timing: (part: "wait" | "decode" | "think", ms: number) => void;
}

/** A glance as it arrives. */
export interface GlanceCall {
  /** Name of the model. */
  readonly model: string;
  /** Version; absent: the highest. */
  readonly version?: string;
  /** Options. */
  readonly request: GlanceRequest;
  /** The encoded image. */
  readonly image: Uint8Array;
}

/** Patches as they arrive. */
export interface FocusCall {
  /** Name of the model. */
  readonly model: string;
  /** The sealed state. */
  readonly state: string;
  /** Encoded images by id. */
  readonly patches: ReadonlyMap<number, Uint8Array>;
}

/** Answers glances and patches. */
export interface Engine {
  /** Models. */
  readonly catalog: Catalog;
  /** Bounds. */
  readonly limits: Limits;
  /** Admission. */
  readonly gate: Gate;
  /** First turn. @throws {ProtocolError} */
  glance(call: GlanceCall, context: CallContext): Promise<WireTurn>;
  /** A later turn. @throws {ProtocolError} */
  focus(call: FocusCall, context: CallContext): Promise<WireTurn>;
}
