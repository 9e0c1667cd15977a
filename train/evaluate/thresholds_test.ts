import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { stream } from "../../core/random.ts";
import { playTable, type PrefixTable, solveThresholds, type Thresholds } from "./thresholds.ts";

function table(images: number, cells: number, seed: number): PrefixTable {
  const random = stream(seed, "table");
  const probabilities = new Float32Array(images * cells);
  const confidence = new Float32Array(images * (cells + 1));
  const correct = new Uint8Array(images * (cells + 1));
  for (let n = 0; n < images; n++) {
    const row = Float32Array.from({ length: cells }, () => random()).sort().reverse();
    probabilities.set(row, n * cells);
    const hard = random();
    for (let k = 0; k <= cells; k++) {
      const sure = k === 0 ? 0.1 : Math.min(1, 0.3 + 0.7 * (k / cells) ** hard + 0.1 * (random() - 0.5));
      confidence[n * (cells + 1) + k] = sure;
      correct[n * (cells + 1) + k] = random() < sure ? 1 : 0;
    }
  }
  return { images, cells, probabilities, confidence, correct };
}

/** The rule of the episode, spelled out cell by cell. */
function byHand(x: PrefixTable, { levels, confidence = Infinity }: Thresholds): number[] {
  return Array.from({ length: x.images }, (_, n) => {
    let seen = 0;
    for (const level of levels) {
      const fresh: number[] = [];
      for (let cell = seen; cell < x.cells; cell++) {
        if (x.probabilities[n * x.cells + cell]! >= level) fresh.push(cell);
      }
      if (fresh.length === 0) continue;
      if (x.confidence[n * (x.cells + 1) + seen]! >= confidence) return seen;
      seen += fresh.length;
    }
    return seen;
  });
}

Deno.test("playTable() follows the rule of the episode", () => {
  const x = table(200, 6, 1);
  for (
    const setting of [
      { levels: [0.5] },
      { levels: [1] },
      { levels: [0] },
      { levels: [0.9, 0.6, 0.2], confidence: 0.7 },
      { levels: [0.9, 0.9, 0.1], confidence: 0.05 },
    ]
  ) {
    assertEquals([...playTable(x, setting).patches], byHand(x, setting));
  }
});

Deno.test("solveThresholds() is at least as good as every setting of a brute-force grid", () => {
  const x = table(300, 5, 2);
  const targets = [1, 2.5, 4];
  const solved = solveThresholds(x, { targets, maxLevels: 2 });
  const steps = Array.from({ length: 21 }, (_, i) => i / 20);
  solved.forEach((found, t) => {
    const played = playTable(x, found);
    assertAlmostEquals(played.accuracy, found.accuracy, 1e-12);
    assertAlmostEquals(played.mean, found.patches, 1e-12);
    assert(found.patches <= targets[t]! + 1e-9);
    let best = 0;
    for (const first of steps) {
      for (const second of steps.filter((level) => level <= first)) {
        for (const confidence of [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]) {
          const { accuracy, mean } = playTable(x, { levels: [first, second], confidence });
          if (mean <= targets[t]!) best = Math.max(best, accuracy);
        }
      }
    }
    // Its grid is not theirs: it may miss what a handful of pictures decide.
    assert(found.accuracy >= best - 3 / 300, `${found.accuracy} is below ${best} at ${targets[t]}`);
  });
});

Deno.test("solveThresholds() gets no worse with more levels", () => {
  const x = table(400, 8, 3);
  const accuracies = [1, 2, 3, 4].map((maxLevels) =>
    solveThresholds(x, { targets: [3], maxLevels })[0]!.accuracy
  );
  accuracies.forEach((value, i) => assert(i === 0 || value >= accuracies[i - 1]!));
});

Deno.test("solveThresholds() without early answers uses levels alone", () => {
  const [found] = solveThresholds(table(100, 4, 4), { targets: [2], maxLevels: 1, early: false });
  assertEquals(found!.confidence, undefined);
  assertEquals(found!.levels.length, 1);
});

Deno.test("solveThresholds() answers a budget nothing fits in with no patch", () => {
  const [found] = solveThresholds(table(100, 4, 5), { targets: [0] });
  assertEquals(found!.patches, 0);
});

Deno.test("solveThresholds() refuses arrays that do not fit", () => {
  const x = { ...table(10, 4, 6), images: 11 };
  assertThrows(() => solveThresholds(x, { targets: [2] }), RangeError, "do not fit");
});
