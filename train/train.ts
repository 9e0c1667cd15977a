/**
 * Runs a recipe of any method. Each method has one trainer; this is the only place that chooses.
 *
 * @module
 */
import { trainClassifier, type TrainedClassifier } from "./classifier_trainer.ts";
import { type TrainedPatchdrop, trainPatchdrop } from "./patchdrop_trainer.ts";
import type { TrainOptions } from "./trainer.ts";

/**
 * Trains, or goes on training.
 *
 * @throws {RangeError} If the recipe does not fit the data or the run in the folder is another one.
 */
export async function train(options: TrainOptions): Promise<TrainedPatchdrop | TrainedClassifier> {
  const { recipe } = options;
  switch (recipe.method) {
    case "patchdrop":
      return await trainPatchdrop({ ...options, recipe });
    case "classifier":
      return await trainClassifier({ ...options, recipe });
  }
}
