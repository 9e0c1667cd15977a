/**
 * The best fixed set: one order of cells for all pictures. A policy that does not beat it has learned nothing about the picture.
 *
 * @module
 */

/** What {@link bestFixedOrder} needs. */
export interface FixedOrderOptions {
  /** Cells to choose from; of equally good ones the first is taken. */
  readonly candidates: readonly number[];
  /** How good a set of cells is, larger is better: accuracy of the model's classifier on validation pictures. */
  readonly accuracyOf: (cells: readonly number[]) => Promise<number>;
  /** Cells to order greedily; the rest follow in order of their worth in the last round. @default all */
  readonly depth?: number;
  /** Told after every choice. */
  readonly onChosen?: (chosen: readonly number[], accuracy: number) => void;
}

/**
 * Greedy forward selection: again and again the cell that helps most. `K (K + 1) / 2` calls of `accuracyOf` for all K cells.
 */
export async function bestFixedOrder(options: FixedOrderOptions): Promise<number[]> {
  const { candidates, accuracyOf, depth = candidates.length, onChosen } = options;
  const chosen: number[] = [];
  let left = [...candidates];
  while (left.length > 0 && chosen.length < depth) {
    const worth: number[] = [];
    for (const cell of left) worth.push(await accuracyOf([...chosen, cell]));
    const ranked = left.map((cell, i) => ({ cell, worth: worth[i]! })).sort((a, b) => b.worth - a.worth);
    chosen.push(ranked[0]!.cell);
    onChosen?.(chosen, ranked[0]!.worth);
    const [, ...rest] = ranked;
    if (chosen.length === depth) return [...chosen, ...rest.map(({ cell }) => cell)];
    left = left.filter((cell) => cell !== ranked[0]!.cell);
  }
  return chosen;
}

/** Evidence of every cell of every picture, for readings that sum it. Dimensions: N pictures, K cells, C classes. */
export interface EvidenceTable {
  /** N. */
  readonly images: number;
  /** K. */
  readonly cells: number;
  /** C. */
  readonly classes: number;
  /** `float32[N, K, C]`, logits of every patch alone. */
  readonly evidence: Float32Array;
  /** `int32[N]`. */
  readonly labels: Int32Array;
  /** `float32[N, C]`, logits that are there before any patch (a glance network's, where they are summed). @default zeros */
  readonly start?: Float32Array;
}

/**
 * As {@link bestFixedOrder} where evidence is summed: the sums of the cells chosen so far are kept, so that all K cells take
 * `K^2 / 2` passes over N x C numbers. Of cells that are equally accurate the one with the higher likelihood is taken.
 *
 * @throws {RangeError} If the arrays do not fit.
 */
export function bestFixedOrderOfEvidence(table: EvidenceTable, depth: number = table.cells): number[] {
  const { images, cells, classes, evidence, labels } = table;
  const sums = table.start?.slice() ?? new Float32Array(images * classes);
  if (
    evidence.length !== images * cells * classes || labels.length !== images ||
    sums.length !== images * classes
  ) {
    throw new RangeError(
      `Cannot order cells: evidence of ${evidence.length} values does not fit ${images} x ${cells} x ${classes}`,
    );
  }
  const left = new Set(Array.from({ length: cells }, (_, cell) => cell));
  const chosen: number[] = [];
  const rest: { cell: number; right: number; likelihood: number }[] = [];
  const row = new Float32Array(classes);
  while (left.size > 0) {
    let best = { cell: -1, right: -1, likelihood: -Infinity };
    rest.length = 0;
    for (const cell of left) {
      let right = 0;
      let likelihood = 0;
      for (let n = 0; n < images; n++) {
        const from = (n * cells + cell) * classes;
        const label = labels[n]!;
        let top = -Infinity;
        let place = -1;
        for (let c = 0; c < classes; c++) {
          const value = sums[n * classes + c]! + evidence[from + c]!;
          row[c] = value;
          if (value > top) [top, place] = [value, c];
        }
        if (place === label) right += 1;
        // The margin stands for the log-likelihood: exact enough to tell equals apart, and free of exponentials.
        likelihood += row[label]! - top;
      }
      rest.push({ cell, right, likelihood });
      if (right > best.right || (right === best.right && likelihood > best.likelihood)) {
        best = { cell, right, likelihood };
      }
    }
    chosen.push(best.cell);
    left.delete(best.cell);
    if (chosen.length >= depth) {
      const after = rest.filter(({ cell }) => cell !== best.cell)
        .sort((a, b) => b.right - a.right || b.likelihood - a.likelihood || a.cell - b.cell);
      return [...chosen, ...after.map(({ cell }) => cell)];
    }
    for (let n = 0; n < images; n++) {
      for (let c = 0; c < classes; c++) {
        sums[n * classes + c]! += evidence[(n * cells + best.cell) * classes + c]!;
      }
    }
  }
  return chosen;
}
