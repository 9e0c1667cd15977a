/**
 * What every trainer needs: the parts of the data, the run in its folder, and what the folder says about it.
 *
 * @module
 */
import type { Weights } from "../core/graph/mod.ts";
import type { Json } from "./checkpoint.ts";
import type { Augmentation, Dataset, Loader } from "./data/mod.ts";
import { createLoader } from "./data/mod.ts";
import type { Learner } from "./engine/learner.ts";
import { writeAtomic } from "./files.ts";
import type { Recipe } from "./recipe.ts";
import { type RunOptions, TrainingRun } from "./run.ts";

/** What a run needs besides its recipe. */
export interface TrainOptions<R extends Recipe = Recipe> extends RunOptions {
  /** The recipe. */
  readonly recipe: R;
  /** Training data; validation data is cut from it. */
  readonly data: Dataset;
  /** Weights the classifier starts from, in the graph's layout; PatchDrop's teacher too. @default fresh */
  readonly classifierWeights?: Weights;
  /** Facts for the run folder: commit, engine, device. */
  readonly facts?: { readonly [key: string]: Json };
}

/** What every method leaves behind, on the open engine. */
export interface Trained extends Disposable {
  /** Validation data. */
  readonly validation: Dataset;
}

/** Name of the file that says what a run is. */
export const RUN_FILE = "run.json";

/** Options of a stage without their epochs: a run can be prolonged. */
export function unlimited<O extends { readonly epochs: number }>(options: O): Omit<O, "epochs"> {
  const { epochs: _, ...rest } = options;
  return rest;
}

/**
 * Starts a run or goes on with the one in the folder, and says in the folder what it is.
 *
 * @param options Recipe, data, folder.
 * @param learners All networks of the run by name.
 * @param lasting The part of the recipe that must be the same to go on.
 * @throws {RangeError} If the run in the folder is another one, or another process has it open.
 */
export async function openRun(
  options: TrainOptions,
  learners: Readonly<Record<string, Learner>>,
  lasting: object,
): Promise<TrainingRun> {
  const { recipe, data, folder, facts } = options;
  const identity = JSON.parse(JSON.stringify({ recipe: lasting, dataHash: data.hash }));
  const run = await TrainingRun.open(options, learners, identity);
  try {
    const about = { recipe, dataHash: data.hash, data: data.name, classes: data.classes, ...facts };
    await writeAtomic(`${folder}/${RUN_FILE}`, JSON.stringify(about, null, 2) + "\n");
    return run;
  } catch (error) {
    run[Symbol.dispose]();
    throw error;
  }
}

/** Training batches: a new order every epoch, augmented as the recipe says, all of one size. */
export function trainLoader(
  { seed, normalization, augmentation }: Pick<Recipe, "seed" | "normalization" | "augmentation">,
  dataset: Dataset,
  { batchSize, view }: { readonly batchSize: number; readonly view: Augmentation | undefined },
): Loader {
  const shown = augmentation ?? view;
  return createLoader(dataset, {
    batchSize,
    seed,
    shuffle: true,
    dropLast: true,
    normalization,
    ...(shown === undefined ? {} : { augmentation: shown }),
  });
}

/** Curves and report of a run that ended. */
export async function reportRun(run: TrainingRun, { recipe, data, facts }: TrainOptions): Promise<void> {
  const known = (["commit", "engine", "device"] as const).flatMap((name) => {
    const fact = facts?.[name];
    return typeof fact === "string" ? [[name, fact]] : [];
  });
  await run.log.report({
    title: recipe.title,
    seed: recipe.seed,
    dataHash: data.hash,
    ...Object.fromEntries(known),
    options: JSON.parse(JSON.stringify(recipe)),
  });
}
