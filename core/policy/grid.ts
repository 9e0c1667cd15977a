/**
 * The grid episode: a chooser gives every cell of a grid a probability, the cells above a level are looked at, and a reading
 * turns what was seen into a belief. PatchDrop and its baselines are choosers of this one episode.
 *
 * @module
 */
import { cellCount, type Grid, patchBox, patchSide } from "../geometry/mod.ts";
import type { Raster } from "../image/raster.ts";
import { pick, softmax } from "../tensor.ts";
import { afford } from "./budget.ts";
import { CELL, cellsThatAre, gridCodec, type GridState } from "./grid_state.ts";
import type { Ask, Because, Belief, Method, Observation, Patch, Plan, Run, Turn } from "./method.ts";
import { type Normalization, normalizationTable, toInput } from "./pixels.ts";
import { canvasReading, patchReading, type ReadingName } from "./reading.ts";

/**
 * How glance logits and patch logits become one: `none` ignores the glance once a patch is seen, `sum` adds them (2020 tree),
 * `weighted` is `r * patches + (1 - r) * glance` with `r` the share of cells seen (2019 tree).
 */
export type Fusion = "none" | "sum" | "weighted";

/** What a grid episode needs to know of its model. */
export interface GridOptions {
  /** Cells and patches. */
  readonly grid: Grid;
  /** Number of classes, C. */
  readonly classes: number;
  /** How patches are read. */
  readonly reading: ReadingName;
  /** What the networks were trained to see. */
  readonly normalization: Normalization;
  /** Whether the bundle has a network `glance` (input `glance`, output `logits`). */
  readonly glanceNetwork: boolean;
  /** How glance and patches are combined. */
  readonly fusion: Fusion;
  /** Turn by turn, the least probability of a cell worth looking at; descending. As published: `[0.5]`. */
  readonly levels: readonly number[];
  /** Answer once the largest class probability reaches this; absent: never before the levels are exhausted. */
  readonly confidence?: number;
  /** Divides all logits before the softmax. */
  readonly temperature: number;
}

/** Gives every cell a probability in [0, 1], having seen the glance. */
export type Chooser = (run: Run, glance: Raster) => Promise<Float32Array>;

/** The episode of a chooser. */
export function gridMethod(options: GridOptions, choose: Chooser): Method<GridState> {
  const { grid, classes, levels, temperature } = options;
  const count = cellCount(grid);
  const side = patchSide(grid);
  const table = normalizationTable(options.normalization);
  const reading = options.reading === "canvas" ? canvasReading(grid, table) : patchReading(classes, table);
  const codec = gridCodec(count, options.glanceNetwork ? classes : 0, reading);

  /** Belief in a state. What was not looked at has no vote: an empty canvas says nothing about the picture. */
  async function believe(run: Run, { cells, glance, memory }: GridState): Promise<Belief> {
    const seen = cellsThatAre(CELL.seen, cells);
    if (seen.length === 0 && glance.length > 0) return softmax(glance, temperature);
    const patches = await reading.logits(run, memory, seen);
    if (glance.length === 0 || options.fusion === "none") return softmax(patches, temperature);
    const r = options.fusion === "sum" ? 1 : seen.length / count;
    const weight = options.fusion === "sum" ? 1 : 1 - r;
    return softmax(patches.map((value, i) => r * value + weight * glance[i]!), temperature);
  }

  function candidates({ turn, probabilities, cells }: GridState): Plan {
    const level = levels[turn];
    if (level === undefined) return [];
    return cellsThatAre(CELL.untouched, cells)
      .filter((cell) => probabilities[cell]! >= level)
      .sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
      .map((cell): Patch => ({
        id: cell,
        box: patchBox(grid, cell),
        size: { width: side, height: side },
        gain: probabilities[cell]!,
      }));
  }

  /** Looks on, or answers. A level that no cell reaches is passed over. */
  async function next(run: Run, before: GridState, { budget, cost }: Ask): Promise<Turn<GridState>> {
    const answer = (belief: Belief, because: Because): Turn<GridState> => ({
      kind: "answer",
      belief,
      because,
    });
    const wanted = budget.confidence ?? options.confidence ?? Infinity;
    const fresh = before.turn === 0 && before.glance.length === 0;
    let state = before;
    let ranked = candidates(state);
    while (ranked.length === 0 && state.turn < levels.length) {
      state = { ...state, turn: state.turn + 1 };
      ranked = candidates(state);
    }
    const plan = afford(ranked, budget, cost);
    // A first look without a glance network follows no belief: the empty canvas need not be read.
    const belief = fresh && plan.length > 0
      ? new Float32Array(classes).fill(1 / classes)
      : await believe(run, state);
    if (Math.max(...belief) >= wanted) return answer(belief, "confident");
    if (plan.length === 0) return answer(belief, ranked.length === 0 ? "exhausted" : "budget");
    const cells = state.cells.slice();
    for (const { id } of plan) cells[id] = CELL.planned;
    return { kind: "look", belief, plan, state: { ...state, turn: state.turn + 1, cells } };
  }

  return {
    state: codec,
    async begin(run, glance, ask) {
      const [probabilities, logits] = await Promise.all([
        choose(run, glance),
        options.glanceNetwork ? run("glance", { glance: toInput([glance], table) }) : undefined,
      ]);
      if (probabilities.length !== count) {
        throw new RangeError(
          `Cannot choose cells: got ${probabilities.length} probabilities, the grid has ${count}`,
        );
      }
      return await next(run, {
        turn: 0,
        probabilities,
        cells: new Uint8Array(count),
        glance: logits === undefined ? new Float32Array(0) : pick(logits, "logits").data,
        memory: reading.nothing,
      }, ask);
    },
    async resume(run, state, seen, ask) {
      const fresh = checked(seen, state, side);
      const known = cellsThatAre(CELL.seen, state.cells);
      const memory = await reading.absorb(run, state.memory, known, fresh);
      const cells = state.cells.map((condition) => condition === CELL.planned ? CELL.missed : condition);
      for (const { id } of fresh) cells[id] = CELL.seen;
      return await next(run, { ...state, cells, memory }, ask);
    },
  };
}

/** The observations by ascending cell, each planned, once, and of the right size. */
function checked(seen: readonly Observation[], { cells }: GridState, side: number): Observation[] {
  const ids = new Set<number>();
  for (const { id, pixels } of seen) {
    if (cells[id] !== CELL.planned) throw new RangeError(`Cannot take patch ${id}: it was not asked for`);
    if (ids.has(id)) throw new RangeError(`Cannot take patch ${id}: it came twice`);
    if (pixels.width !== side || pixels.height !== side) {
      throw new RangeError(
        `Cannot take patch ${id}: it is ${pixels.width} x ${pixels.height}, must be ${side} x ${side}`,
      );
    }
    ids.add(id);
  }
  return seen.toSorted((a, b) => a.id - b.id);
}
