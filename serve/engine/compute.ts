/**
 * Where heavy work is done: networks and image codecs. The engine only knows this interface; the service hands it a pool of
 * workers, a test something smaller.
 *
 * @module
 */
import type { Raster } from "../../core/image/mod.ts";
import type { Named, Tensor } from "../../core/tensor.ts";

/** A machine for heavy work. */
export interface Compute {
  /** Calls it computes at once. */
  readonly parallel: number;
  /**
   * Makes the networks of a bundle ready to run under a key.
   *
   * @throws If a network is refused.
   */
  open(key: string, networks: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Runs one network of an opened bundle on one batch. */
  run(key: string, network: string, inputs: Named<Tensor>): Promise<Named<Tensor>>;
  /**
   * Decodes a picture whose header has been accepted.
   *
   * @throws {ImageError} If the picture is damaged.
   */
  decode(bytes: Uint8Array): Promise<Raster>;
}
