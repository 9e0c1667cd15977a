/**
 * The state of a grid episode, and its bytes.
 *
 * @module
 */
import type { Codec } from "./method.ts";
import type { Reading } from "./reading.ts";

/** What happened to a cell. */
export const CELL: { readonly untouched: 0; readonly missed: 1; readonly planned: 2; readonly seen: 3 } = {
  untouched: 0,
  /** Asked for, not delivered; not asked for again. */
  missed: 1,
  /** Asked for in the last turn. */
  planned: 2,
  seen: 3,
};

/** Everything a grid episode remembers between turns. */
export interface GridState {
  /** Turns of looking so far. */
  readonly turn: number;
  /** `float32[K]`, the chooser's probability of every cell. */
  readonly probabilities: Float32Array;
  /** `uint8[K]`, one of {@link CELL} each. */
  readonly cells: Uint8Array;
  /** `float32[C]`, logits of the glance; empty without a glance network. */
  readonly glance: Float32Array;
  /** The reading's memory of the patches seen. */
  readonly memory: Uint8Array;
}

/** Cells in a condition, ascending. */
export function cellsThatAre(condition: number, cells: Uint8Array): number[] {
  return Array.from(cells.keys()).filter((cell) => cells[cell] === condition);
}

const VERSION = 1;
const HEAD = 4;

/**
 * Codec of grid states: version, turn, two spare bytes, then `probabilities`, `glance`, `cells`, `memory`, little-endian.
 *
 * @param cells K, number of cells.
 * @param classes Values in `glance`: C, or 0.
 * @param reading Says how much memory fits.
 */
export function gridCodec(cells: number, classes: number, reading: Reading): Codec<GridState> {
  const fixed = HEAD + 4 * cells + 4 * classes + cells;
  return {
    maxBytes: fixed + reading.maxBytes,
    encode({ turn, probabilities, cells: conditions, glance, memory }) {
      const bytes = new Uint8Array(fixed + memory.length);
      bytes[0] = VERSION;
      bytes[1] = turn;
      const view = new DataView(bytes.buffer);
      probabilities.forEach((value, i) => view.setFloat32(HEAD + 4 * i, value, true));
      glance.forEach((value, i) => view.setFloat32(HEAD + 4 * cells + 4 * i, value, true));
      bytes.set(conditions, fixed - cells);
      bytes.set(memory, fixed);
      return bytes;
    },
    decode(bytes) {
      const fail = (what: string): never => {
        throw new SyntaxError(`Cannot read state: ${what}`);
      };
      if (bytes.length < fixed) fail(`it has ${bytes.length} bytes, must have at least ${fixed}`);
      if (bytes[0] !== VERSION) fail(`its version is ${bytes[0]}, must be ${VERSION}`);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const floats = (from: number, count: number): Float32Array =>
        Float32Array.from({ length: count }, (_, i) => view.getFloat32(from + 4 * i, true));
      const conditions = bytes.slice(fixed - cells, fixed);
      if (conditions.some((condition) => condition > CELL.seen)) fail("a cell has an unknown condition");
      const memory = bytes.slice(fixed);
      const count = cellsThatAre(CELL.seen, conditions).length;
      if (!reading.fits(memory.length, count)) {
        fail(`memory of ${memory.length} bytes does not fit ${count} patches`);
      }
      const probabilities = floats(HEAD, cells);
      const glance = floats(HEAD + 4 * cells, classes);
      if (![...probabilities, ...glance].every(Number.isFinite)) fail("a number is not finite");
      return { turn: bytes[1]!, probabilities, cells: conditions, glance, memory };
    },
  };
}
