/**
 * Trains one network of the zoo on whole pictures. The end of it is a file of weights in torchvision's layout, which `evaluate
 * --network`, `train --weights` and PyTorch read.
 *
 * @module
 */
import { encodeSafetensors, toTorch } from "../core/weights/mod.ts";
import { modelOf } from "../models/mod.ts";
import { classifierStage, pictureLogits } from "./classifier.ts";
import { createLoader } from "./data/mod.ts";
import { split } from "./data/split.ts";
import { Learner } from "./engine/learner.ts";
import { writeAtomic } from "./files.ts";
import { measureClassifier } from "./measure.ts";
import { classifierOf, type ClassifierRecipe, networkView } from "./recipe.ts";
import { openRun, reportRun, type Trained, trainLoader, type TrainOptions, unlimited } from "./trainer.ts";

/** A trained classifier. */
export interface TrainedClassifier extends Trained {
  /** The network. */
  readonly learner: Learner;
  /** File of its weights. */
  readonly file: string;
}

/** Name of the file a finished run leaves its weights in. */
export const NETWORK_FILE = "network.safetensors";

/**
 * Trains, or goes on training.
 *
 * @throws {RangeError} If the recipe does not fit the data or the run in the folder is another one.
 */
export async function trainClassifier(options: TrainOptions<ClassifierRecipe>): Promise<TrainedClassifier> {
  const { recipe, data, folder } = options;
  const { normalization, seed, options: { batchSize } } = recipe;
  refuseUnsupported(recipe);
  const parts = await split(data, { validation: recipe.validation, seed });
  const graph = classifierOf(recipe, data.classes.length);
  const learner = options.classifierWeights === undefined
    ? Learner.fresh(graph, seed)
    : new Learner(graph, options.classifierWeights);
  const file = `${folder}/${NETWORK_FILE}`;
  try {
    const { title: _, ...lasting } = { ...recipe, options: unlimited(recipe.options) };
    using run = await openRun(options, { classifier: learner }, lasting);
    if (run.nextIsDone) run.skip();
    else {
      const view = networkView(graph, data);
      const loader = trainLoader(recipe, parts.train, { batchSize, view });
      const validation = createLoader(parts.validation, {
        batchSize,
        normalization,
        ...(view === undefined ? {} : { augmentation: view }),
      });
      try {
        await run.stage(classifierStage({
          name: "classifier",
          learner,
          logits: pictureLogits(learner, seed),
          steady: true,
          batches: loader.batches,
          data: (epoch, from) => loader.epoch(epoch, from),
          validate: () => measureClassifier(learner, validation),
        }, recipe.options));
      } finally {
        loader.close();
        validation.close();
      }
    }
    const facts = { network: recipe.network, recipe: recipe.id, classes: JSON.stringify(data.classes) };
    await writeAtomic(file, encodeSafetensors(toTorch(graph, await learner.weights()), facts));
    await reportRun(run, options);
  } catch (error) {
    learner.dispose();
    throw error;
  }
  return { learner, file, validation: parts.validation, [Symbol.dispose]: () => learner.dispose() };
}

/** What the file of weights could not keep: better refused than lost. */
function refuseUnsupported(
  { id, network, normalization, options: { distill = 0, update } }: ClassifierRecipe,
): void {
  const { mean, std } = modelOf(network).card.preprocessing;
  const [own, given] = [{ mean, std }, normalization].map(({ mean, std }) => JSON.stringify([mean, std]));
  if (own !== given) {
    throw new RangeError(
      `Cannot train "${id}": normalization is ${given}, must be ${own}, with which ${network} is read everywhere else`,
    );
  }
  if (distill !== 0) {
    throw new RangeError(`Cannot train "${id}": distill is ${distill}, must be 0, there is no teacher`);
  }
  const ema = update.optimizer.ema ?? 0;
  if (ema !== 0) {
    throw new RangeError(
      `Cannot train "${id}": ema is ${ema}, must be 0, running statistics would not be those of the average`,
    );
  }
}
