/**
 * How much the estimator of the advantage matters: the same policy on the same scenes with each of them, a few seeds.
 *
 *     deno run -A bench/learning/estimators.ts [--scenes 800] [--epochs 12] [--seeds 3]
 *
 * A reader is trained first (two epochs), then every patch of the scenes is read once, so that all policies see the same rewards.
 * Prints a Markdown table: greedy accuracy and patches on held-out scenes, mean and spread over seeds.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { cellCount } from "../../core/geometry/mod.ts";
import { gridPolicy, patchReader } from "../../models/mod.ts";
import { sceneDataset } from "../../train/data/mod.ts";
import { open } from "../../train/engine/mod.ts";
import { Learner } from "../../train/engine/learner.ts";
import {
  collectEvidence,
  type Evidence,
  evidenceBatch,
  evidenceBatches,
  evidenceVision,
} from "../../train/evidence.ts";
import { measureGreedy } from "../../train/measure.ts";
import { policyStage, type PolicyStageOptions } from "../../train/patchdrop.ts";
import { PRESETS } from "../../train/presets.ts";
import { readerStage } from "../../train/reader.ts";
import { type Stage, TrainingRun } from "../../train/run.ts";

const { values } = parseArgs({
  options: {
    scenes: { type: "string", default: "800" },
    epochs: { type: "string", default: "12" },
    seeds: { type: "string", default: "3" },
  },
});
const [scenes, epochs, seeds] = [values.scenes, values.epochs, values.seeds].map(Number) as [
  number,
  number,
  number,
];

const recipe = PRESETS.scenes;
if (recipe.method !== "patchdrop") {
  throw new TypeError("Cannot compare estimators: scenes is not PatchDrop's");
}
const { grid, glance } = recipe;
const cells = cellCount(grid);
const reader = recipe.stages.find((stage) => stage.kind === "reader")!;
const policy = recipe.stages.find((stage) => stage.kind === "policy")!;

/** Runs one stage in a folder that is thrown away. */
async function alone<B>(learners: Readonly<Record<string, Learner>>, stage: Stage<B>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using run = await TrainingRun.open({ folder, progress: "silent", saveEvery: 1_000_000 }, learners, {});
    await run.stage(stage);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const engine = await open("auto");
console.error(`engine ${engine.name}: ${engine.device}`);
const eyes = Learner.fresh(patchReader({ side: grid.cell + 2 * grid.halo, classes: 8 }), 1);
await alone(
  { eyes },
  readerStage({
    name: "reader",
    reader: eyes,
    grid: { ...grid, rows: reader.cells, columns: reader.cells },
    classes: 8,
    normalization: recipe.normalization,
    transfer: recipe.transfer.patch,
    seed: 1,
    count: reader.count,
  }, { ...reader.options, epochs: 2 }),
);
const read = async (count: number, split: string): Promise<Evidence> =>
  await collectEvidence({
    reader: eyes,
    recipe,
    dataset: await sceneDataset({ seed: 1, count, split }),
    title: split,
  });
const train = await read(scenes, "train");
const held = await read(300, "validation");

const VARIANTS: Readonly<Record<string, Partial<PolicyStageOptions>>> = {
  "self-critical (2020 recipe)": { estimator: "self-critical", samples: 1 },
  "learned value, 1 sample": { estimator: "value", samples: 1 },
  "leave-one-out, 2 samples": { estimator: "leave-one-out", samples: 2 },
  "leave-one-out, 4 samples": { estimator: "leave-one-out", samples: 4 },
  "leave-one-out, 16 samples": { estimator: "leave-one-out", samples: 16 },
};

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const spread = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

console.log(`${scenes} scenes, ${epochs} epochs, ${seeds} seeds, 300 held-out scenes\n`);
console.log("| estimator | accuracy | patches |\n| --- | --- | --- |");
for (const [name, options] of Object.entries(VARIANTS)) {
  const reports = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const learner = Learner.fresh(
      gridPolicy({
        side: glance.side,
        rows: grid.rows,
        columns: grid.columns,
        bias: -3,
        valueHead: options.estimator === "value",
      }),
      seed,
    );
    const actors = { policy: learner, classifier: eyes };
    const { batchSize } = policy.options;
    await alone(
      { learner },
      policyStage({
        name: "policy",
        actors,
        vision: evidenceVision(train, grid),
        grid,
        reading: "patches",
        glance,
        seed,
        batches: Math.floor(scenes / batchSize),
        data: (epoch, from) => evidenceBatches(train, { seed, epoch, batchSize, from }),
      }, { ...policy.options as PolicyStageOptions, ...options, epochs }),
    );
    const batches = {
      epoch: async function* () {
        yield await Promise.resolve(evidenceBatch(held, Int32Array.from(held.labels, (_, i) => i)));
      },
    };
    const vision = evidenceVision(held, grid);
    reports.push(await measureGreedy({ actors, vision, grid, glance, fusion: "none" }, batches));
    learner.dispose();
  }
  const accuracy = reports.map((report) => 100 * report.accuracy);
  const used = reports.map((report) => report.used);
  console.log(
    `| ${name} | ${mean(accuracy).toFixed(1)} ± ${spread(accuracy).toFixed(1)} % | ${
      mean(used).toFixed(2)
    } of ${cells} |`,
  );
}
engine.close();
