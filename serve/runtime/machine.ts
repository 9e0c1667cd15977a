/**
 * A machine: one runtime with the networks of any number of bundles, and the image codecs. It computes in the thread it is
 * called in; a pool of workers has one in each.
 *
 * @module
 */
import { decode, type Raster } from "../../core/image/mod.ts";
import { type Named, pick, type Tensor, tensor } from "../../core/tensor.ts";
import type { Runtime, Session } from "./runtime.ts";

/** Runs networks and decodes pictures. */
export interface Machine {
  /** Calls it computes at once. */
  readonly parallel: number;
  /**
   * Loads and warms up the networks of a bundle under a key.
   *
   * @throws {SyntaxError} If the runtime refuses one of them; then none of them stays.
   */
  open(key: string, networks: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /**
   * Runs one network of an opened bundle on one batch.
   *
   * @throws {RangeError} If there is no such network or its inputs do not fit.
   */
  run(key: string, network: string, inputs: Named<Tensor>): Promise<Named<Tensor>>;
  /**
   * Decodes a picture whose header has already been held against limits.
   *
   * @throws {ImageError} If it is damaged.
   */
  decode(bytes: Uint8Array): Promise<Raster>;
  /** Gives everything back. */
  close(): Promise<void>;
}

// The first runs are slower by a multiple: code is compiled in tiers, buffers are made.
const WARM_RUNS = 3;
const HEADER_WAS_CHECKED = { maxBytes: Infinity, maxPixels: Infinity, maxSide: Infinity };

/** A machine in this thread. */
export function createMachine(runtime: Runtime): Machine {
  const bundles = new Map<string, ReadonlyMap<string, Session>>();
  return {
    parallel: 1,
    async open(key, networks) {
      const sessions = new Map<string, Session>();
      try {
        for (const [name, bytes] of networks) {
          const session = await runtime.load(bytes);
          sessions.set(name, session);
          for (let i = 0; i < WARM_RUNS; i++) await session.run(zeros(session));
        }
      } catch (error) {
        await release(sessions);
        throw error;
      }
      bundles.set(key, sessions);
    },
    async run(key, network, inputs) {
      const sessions = bundles.get(key);
      if (sessions === undefined) {
        throw new RangeError(`Cannot run "${network}": bundle "${key}" is not open`);
      }
      return await pick(Object.fromEntries(sessions), network).run(inputs);
    },
    async decode(bytes) {
      return await decode(bytes, HEADER_WAS_CHECKED);
    },
    async close() {
      for (const sessions of bundles.values()) await release(sessions);
      bundles.clear();
    },
  };
}

async function release(sessions: ReadonlyMap<string, Session>): Promise<void> {
  for (const session of sessions.values()) await session.release();
}

/** One row of zeros for every input. */
function zeros({ inputs }: Session): Named<Tensor> {
  return Object.fromEntries(
    inputs.map(({ name, shape }) => [name, tensor(shape.map((side) => side < 0 ? 1 : side))]),
  );
}
