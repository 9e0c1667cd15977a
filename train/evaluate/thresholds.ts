/**
 * Thresholds for a budget: which levels and which confidence give the best accuracy for a mean number of patches.
 *
 * The patches a grid episode has seen are always a prefix of the policy's ranking, so a table of what happens after every
 * prefix is all that must be known of a picture, and a setting is judged without running a network.
 *
 * @module
 */

/** What happens after the best `k` cells of every picture. Dimensions: N pictures, K cells. */
export interface PrefixTable {
  /** N. */
  readonly images: number;
  /** K. */
  readonly cells: number;
  /** `float32[N, K]`, the policy's probabilities, every row descending. */
  readonly probabilities: Float32Array;
  /** `float32[N, K + 1]`, largest class probability of the belief the episode has when it decides after `k` cells. */
  readonly confidence: Float32Array;
  /** `uint8[N, K + 1]`, 1 where the answer after `k` cells is right. */
  readonly correct: Uint8Array;
}

/** A setting of a grid episode. */
export interface Thresholds {
  /** Turn by turn, the least probability of a cell worth looking at; descending. */
  readonly levels: readonly number[];
  /** Answer once the largest class probability reaches this; absent: never early. */
  readonly confidence?: number;
}

/** A setting and what it does on the table. */
export interface Solved extends Thresholds {
  /** Share of right answers. */
  readonly accuracy: number;
  /** Mean number of patches. */
  readonly patches: number;
}

/** What to search for. */
export interface SolveOptions {
  /** Mean numbers of patches, one solution each. */
  readonly targets: readonly number[];
  /** Most levels, that is turns; 1 to 16. @default 3 */
  readonly maxLevels?: number;
  /** Whether settings may answer early. @default true */
  readonly early?: boolean;
}

/** Number of patches and answer of every picture at a setting. */
export interface Played {
  /** `int32[N]`, cells looked at. */
  readonly patches: Int32Array;
  /** Share of right answers. */
  readonly accuracy: number;
  /** Mean number of patches. */
  readonly mean: number;
}

/** Cells whose probability is at least `level`, of one picture. */
function countAtLeast({ probabilities, cells }: PrefixTable, image: number, level: number): number {
  let low = 0;
  let high = cells;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (probabilities[image * cells + middle]! >= level) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Plays every picture of a table at a setting, as the grid episode would: a level that no new cell reaches is passed over. */
export function playTable(table: PrefixTable, { levels, confidence = Infinity }: Thresholds): Played {
  const patches = new Int32Array(table.images);
  let right = 0;
  let total = 0;
  for (let image = 0; image < table.images; image++) {
    const row = image * (table.cells + 1);
    let seen = 0;
    for (const level of levels) {
      const count = countAtLeast(table, image, level);
      if (count <= seen) continue;
      if (table.confidence[row + seen]! >= confidence) break;
      seen = count;
    }
    patches[image] = seen;
    total += seen;
    right += table.correct[row + seen]!;
  }
  return { patches, accuracy: right / table.images, mean: total / table.images };
}

/** Fine steps between two coarse ones: the search is exhaustive over coarse levels, then walks in fine ones. */
const FINE = 8;
const COARSE = 32;
const CONFIDENCES = 64;

/** A search state: indices into the grid of levels, ascending (levels descend), and what every confidence would give. */
interface Candidate {
  readonly at: readonly number[];
  readonly accuracy: number;
  readonly patches: number;
  readonly confidence: number;
}

/**
 * For every target the setting with the highest accuracy whose mean number of patches does not exceed it (of equals the one
 * with fewer patches). Exhaustive over up to three levels of a coarse grid, then refined level by level.
 *
 * @throws {RangeError} If the table is empty or misshapen, or an option is out of range.
 */
export function solveThresholds(table: PrefixTable, options: SolveOptions): Solved[] {
  const { targets, maxLevels = 3, early = true } = options;
  checkTable(table);
  if (!Number.isInteger(maxLevels) || maxLevels < 1 || maxLevels > 16) {
    throw new RangeError(`Cannot solve thresholds: maxLevels is ${maxLevels}, must be an integer of 1 to 16`);
  }
  const grid = levelGrid(table);
  const counts = grid.map((level) =>
    Uint16Array.from({ length: table.images }, (_, image) => countAtLeast(table, image, level))
  );
  const wanted = early ? confidenceGrid(table) : [];
  const judge = judgeOf(table, counts, wanted);
  const best: (Candidate | undefined)[] = targets.map(() => undefined);
  const offer = (at: readonly number[]): void => {
    const { accuracy, patches } = judge(at);
    targets.forEach((target, t) => {
      for (let j = 0; j < accuracy.length; j++) {
        const one = { at, accuracy: accuracy[j]!, patches: patches[j]!, confidence: j };
        if (one.patches <= target + 1e-9 && better(one, best[t])) best[t] = one;
      }
    });
  };
  const coarse = Array.from(grid.keys()).filter((i) => i % FINE === 0 || i === grid.length - 1);
  for (let count = 1; count <= Math.min(3, maxLevels); count++) {
    for (const at of ascending(coarse, count)) offer(at);
  }
  for (let count = 4; count <= maxLevels; count++) {
    for (const found of [...best]) {
      if (found === undefined) continue;
      for (const i of coarse) if (!found.at.includes(i)) offer([...found.at, i].sort((a, b) => a - b));
    }
  }
  for (let sweep = 0; sweep < 2; sweep++) {
    for (const found of [...best]) {
      found?.at.forEach((middle, place) => {
        for (let i = middle - FINE; i <= middle + FINE; i++) {
          const fits = i > (found.at[place - 1] ?? -1) && i < (found.at[place + 1] ?? grid.length);
          if (i !== middle && fits) offer(found.at.with(place, i));
        }
      });
    }
  }
  return best.map((found) => {
    // The first level of the grid lets (almost) nothing through: the answer to a budget nothing fits in.
    const { at, confidence, accuracy, patches } = found ?? {
      at: [0],
      confidence: wanted.length,
      accuracy: playTable(table, { levels: [grid[0]!] }).accuracy,
      patches: playTable(table, { levels: [grid[0]!] }).mean,
    };
    return {
      levels: at.map((i) => grid[i]!),
      ...(confidence < wanted.length ? { confidence: wanted[confidence]! } : {}),
      accuracy,
      patches,
    };
  });
}

function better(a: Candidate, b: Candidate | undefined): boolean {
  if (b === undefined) return true;
  return a.accuracy > b.accuracy || (a.accuracy === b.accuracy && a.patches < b.patches);
}

/** Every ascending choice of `count` of the values. */
function* ascending(values: readonly number[], count: number, from = 0): Generator<number[]> {
  if (count === 0) return yield [];
  for (let i = from; i <= values.length - count; i++) {
    for (const rest of ascending(values, count - 1, i + 1)) yield [values[i]!, ...rest];
  }
}

/**
 * Levels by how many cells reach them on average, from none to all: denser where few do. Between two probabilities that
 * occur, so that rounding on another machine moves no cell over a level.
 */
function levelGrid({ probabilities, images, cells }: PrefixTable): number[] {
  const pooled = probabilities.slice().sort().reverse();
  const steps = COARSE * FINE;
  const levels = new Set<number>([1]);
  for (let i = 1; i < steps; i++) {
    const rank = Math.round(images * cells * (i / steps) ** 1.5);
    if (rank < 1 || rank >= pooled.length) continue;
    levels.add(Number(((pooled[rank - 1]! + pooled[rank]!) / 2).toPrecision(7)));
  }
  levels.add(0);
  return [...levels].sort((a, b) => b - a);
}

/** Confidences that occur, by quantile. */
function confidenceGrid({ confidence }: PrefixTable): number[] {
  const pooled = confidence.slice().sort();
  const found = new Set<number>();
  for (let i = 0; i < CONFIDENCES; i++) {
    const value = pooled[Math.floor(((i + 0.5) / CONFIDENCES) * pooled.length)];
    if (value !== undefined) found.add(Math.min(0.9999, Number(value.toFixed(4))));
  }
  for (const value of [0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999]) found.add(value);
  return [...found].filter((value) => value > 0).sort((a, b) => a - b);
}

/**
 * Judges a choice of levels at every confidence at once. A picture stops at the first stage whose confidence reaches what is
 * wanted; so of ascending wanted confidences every stage takes a range, and ranges add up as differences.
 *
 * @returns Accuracy and mean patches for every wanted confidence; the last is "never early".
 */
function judgeOf(
  table: PrefixTable,
  counts: readonly Uint16Array[],
  wanted: readonly number[],
): (at: readonly number[]) => { accuracy: Float64Array; patches: Float64Array } {
  const { images, cells } = table;
  /** How many of the wanted confidences each belief reaches. */
  const reached = Uint8Array.from(table.confidence, (value) => {
    let low = 0;
    let high = wanted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (wanted[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low;
  });
  const size = wanted.length + 1;
  return (at) => {
    const right = new Float64Array(size + 1);
    const patches = new Float64Array(size + 1);
    for (let image = 0; image < images; image++) {
      const row = image * (cells + 1);
      let seen = 0;
      let passed = 0;
      for (const i of at) {
        const count = counts[i]![image]!;
        if (count <= seen) continue;
        const stops = reached[row + seen]!;
        if (stops > passed) {
          right[passed]! += table.correct[row + seen]!;
          right[stops]! -= table.correct[row + seen]!;
          patches[passed]! += seen;
          patches[stops]! -= seen;
          passed = stops;
        }
        seen = count;
      }
      right[passed]! += table.correct[row + seen]!;
      patches[passed]! += seen;
    }
    for (let j = 1; j < size; j++) {
      right[j]! += right[j - 1]!;
      patches[j]! += patches[j - 1]!;
    }
    return {
      accuracy: right.subarray(0, size).map((value) => value / images),
      patches: patches.subarray(0, size).map((value) => value / images),
    };
  };
}

function checkTable({ images, cells, probabilities, confidence, correct }: PrefixTable): void {
  if (!(images > 0 && cells > 0 && cells < 65_536)) {
    throw new RangeError(`Cannot solve thresholds: the table has ${images} pictures of ${cells} cells`);
  }
  const fits = probabilities.length === images * cells && confidence.length === images * (cells + 1) &&
    correct.length === confidence.length;
  if (!fits) {
    throw new RangeError(
      `Cannot solve thresholds: arrays of ${probabilities.length}, ${confidence.length} and ${correct.length} ` +
        `values do not fit ${images} pictures of ${cells} cells`,
    );
  }
}
