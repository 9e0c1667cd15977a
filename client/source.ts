/**
 * Sources: where a picture is, and how its glance and its patches are got from there.
 *
 * @module
 */
import type { Size } from "../core/geometry/mod.ts";
import type { ModelCard, PlannedPatch, Transfer } from "../serve/protocol/mod.ts";

/** A picture that is looked at piece by piece. */
export interface Source {
  /** Size in its own pixels. */
  size(): Promise<Size>;
  /** Bytes the whole picture would take: the file as it is, or encoded as the model's patches are. */
  wholeBytes(transfer: Transfer): Promise<number>;
  /** The glance a model wants, encoded as it wants it. */
  glance(model: ModelCard, options?: FetchOptions): Promise<Blob>;
  /** One planned patch, encoded as planned. */
  patch(patch: PlannedPatch, options?: FetchOptions): Promise<Blob>;
}

/** How something is got. */
export interface FetchOptions {
  /** Aborted when it is no longer wanted. */
  readonly signal?: AbortSignal;
}
