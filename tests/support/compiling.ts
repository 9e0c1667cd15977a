/**
 * An engine that compiles whatever it may, however small.
 *
 * @module
 */
import { compiler } from "../../train/engine/compiled.ts";

/** While it is not disposed of, the open engine compiles everything. */
export interface Compiling extends Disposable {
  /** Graphs compiled since. */
  readonly programs: number;
}

/** Has the open engine, `node`, compile everything. */
export function compilingEverything(): Compiling {
  const own = compiler();
  if (own === undefined) throw new TypeError("Cannot compile: the open engine has no compiler");
  const { limits, programs } = own;
  own.limits = { values: 0, programs: Infinity };
  return {
    get programs(): number {
      return own.programs - programs;
    },
    [Symbol.dispose]() {
      own.limits = limits;
    },
  };
}
