/** Runs whose numbers stop being numbers, by the command line; train/run_test.ts has every place in a run where that may happen. */
import { assert, assertEquals } from "@std/assert/mod.js";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { readMetrics } from "../../train/log/mod.ts";
import type { ClassifierRecipe } from "../../train/recipe.ts";
import { assertFailed, type Ran, saccade } from "../support/command.ts";
import { inFolder } from "../support/folder.ts";
import { TINY_CLASSIFIER, tinyData, writePictures } from "../support/tiny_run.ts";

/** The tiny classifier whose learning rate is multiplied by `factor` at a step, counted from 0. */
function jumping(milestone: number, factor: number): ClassifierRecipe {
  const { update, ...options } = TINY_CLASSIFIER.options;
  const schedule = { kind: "step", base: 0.01, milestones: [milestone], factor } as const;
  return { ...TINY_CLASSIFIER, options: { ...options, update: { ...update, schedule } } };
}

async function train(root: string, recipe: ClassifierRecipe, ...every: readonly string[]): Promise<Ran> {
  await Deno.writeTextFile(`${root}/recipe.json`, JSON.stringify(recipe));
  return await saccade(
    ...["train", "--recipe", `${root}/recipe.json`, "--data", `${root}/data`, "--run", `${root}/run`],
    ...["--engine", "wasm", ...every],
  );
}

/** That what is saved are numbers, and of before a step. */
async function assertSaved(folder: string, checkpoint: string, steps: number): Promise<void> {
  const saved = (await loadCheckpoint(folder))!;
  assertEquals(saved.name, checkpoint);
  for (const [name, { data }] of saved.tensors) assert(data.every(Number.isFinite), name);
  const training = (await readMetrics(folder)).filter(({ stage }) => stage === "classifier");
  assertEquals(training.length, steps);
}

Deno.test("saccade train names stage, step and batch of weights and of a loss that are no numbers, and saves none", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(20));
    // float32 cannot hold the rate: the weights of the seventh step (epoch 1, batch 2) are lost, its loss is still one.
    const lost = jumping(6, 1e45);
    assertFailed(
      await train(root, lost, "--log-every", "1", "--save-every", "1"),
      1,
      'Cannot save checkpoint: value 0 of "weights/classifier/',
      'after the update in stage "classifier" at step 6, epoch 1, batch 2 (counted from 0), must be finite',
    );
    await assertSaved(`${root}/run`, "checkpoint-000006", 7);
    // It goes on there, to the same end: the line of the log after the checkpoint is not written twice.
    assertFailed(
      await train(root, lost, "--log-every", "1", "--save-every", "1"),
      1,
      "at step 6, epoch 1, batch 2",
    );
    await assertSaved(`${root}/run`, "checkpoint-000006", 7);
    // Without a checkpoint in between, the next loss tells.
    assertFailed(
      await train(root, lost, "--log-every", "1"),
      1,
      'Cannot go on training: loss is NaN in stage "classifier" at step 7, epoch 1, batch 3 (counted from 0), must be',
    );
    await assertSaved(`${root}/run`, "checkpoint-000006", 7);
  });
});
