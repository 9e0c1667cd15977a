/**
 * `saccade train`: runs a recipe to its end, or goes on with a run that was interrupted.
 *
 * @module
 */
import type { Command } from "commander";
import { PRESET_NAMES } from "../../train/preset_names.ts";
import type { Weights } from "../../core/graph/mod.ts";
import type { Recipe } from "../../train/recipe.ts";
import type { EngineName } from "../../train/engine/mod.ts";
import {
  command,
  type CommonOptions,
  integer,
  InterruptedError,
  MissingError,
  type Outcome,
  perform,
  UsageError,
} from "./command.ts";

/** Options as parsed. */
interface Options extends CommonOptions {
  readonly preset: string;
  readonly recipe?: string;
  readonly data: string;
  readonly run: string;
  readonly engine: EngineName | "auto";
  readonly weights?: string;
  readonly epochs?: number;
  readonly seed?: number;
  readonly logEvery: number;
  readonly saveEvery: number;
}

/** The command. */
export function trainCommand(): Command {
  return command(
    "train",
    "Train by a recipe: a PatchDrop model or a classifier; resumes when the run folder holds a checkpoint.",
    [
      "saccade train --preset scenes --data scenes:seed=1,count=2500 --run runs/scenes",
      "saccade train --preset cifar10 --data cifar-10-batches-bin --weights resnet32.safetensors --run runs/cifar10",
      "saccade train --preset resnet20-cifar10 --data cifar-10-batches-bin --run runs/resnet20",
      "saccade train --recipe mine.json --data pictures/ --run runs/mine --engine wasm",
    ],
  )
    .option("--preset <name>", `recipe that ships: ${PRESET_NAMES.join(", ")}`, "scenes")
    .option(
      "--recipe <file>",
      "recipe as JSON instead (the run folder keeps the one it was made by in run.json)",
    )
    .requiredOption("--data <spec>", "training data: folder, .tar, .csv, or scenes:seed=1,count=2500")
    .requiredOption(
      "--run <dir>",
      "folder of the run: checkpoints, metrics.jsonl, TensorBoard events, report.html",
    )
    .option("--engine <name>", "auto, node-gpu, node, webgpu, wasm or cpu", "auto")
    .option(
      "--weights <file>",
      "safetensors the classifier starts from (torchvision's layout); in PatchDrop they teach it too",
    )
    .option("--epochs <n>", "epochs of every stage instead of the recipe's, for a trial", integer(1))
    .option("--seed <n>", "seed instead of the recipe's", integer(0))
    .option("--log-every <n>", "steps between two lines of the log", integer(1), 50)
    .option(
      "--save-every <n>",
      "steps between two checkpoints; there is one after every epoch too",
      integer(1),
      200,
    )
    .action((options: Options) => perform(options, () => work(options)));
}

async function work(options: Options): Promise<Outcome> {
  const { recipeOf } = await import("./_recipe.ts");
  const recipe = await recipeOf(options);
  const { openDataset } = await import("../../train/data/mod.ts");
  const { dataset, found } = await openDataset(options.data, "train");
  console.error(found);
  const { EngineUnavailable, open } = await import("../../train/engine/mod.ts");
  const engine = await open(options.engine).catch((error) => {
    throw error instanceof EngineUnavailable ? new MissingError(error.message, { cause: error }) : error;
  });
  console.error(`engine ${engine.name}: ${engine.device}`);
  for (const { name, reason } of engine.passedOver) console.error(`  not ${name}: ${reason}`);
  const { train } = await import("../../train/train.ts");
  const { NETWORK_FILE } = await import("../../train/classifier_trainer.ts");
  const weights = options.weights === undefined
    ? {}
    : { classifierWeights: await weightsFor(recipe, dataset.classes.length, options.weights) };
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  Deno.addSignalListener("SIGINT", stop);
  Deno.addSignalListener("SIGTERM", stop);
  try {
    using trained = await train({
      recipe,
      data: dataset,
      folder: options.run,
      logEvery: options.logEvery,
      saveEvery: options.saveEvery,
      signal: abort.signal,
      facts: { engine: engine.name, device: engine.device, data: options.data },
      ...weights,
    });
    const result = { run: options.run, recipe: recipe.id, validation: trained.validation.length };
    const next = recipe.method === "patchdrop"
      ? `saccade export --run ${options.run}`
      : `saccade evaluate --network ${recipe.network} --weights ${options.run}/${NETWORK_FILE} --data ${options.data}`;
    return { json: result, text: `${recipe.id} is trained; next: ${next}` };
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    throw new InterruptedError(`Interrupted and saved: the same command goes on with "${options.run}"`);
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    Deno.removeSignalListener("SIGTERM", stop);
    engine.close();
  }
}

/** Weights from a file, laid out for the network of a recipe that starts from some. */
async function weightsFor(recipe: Recipe, classes: number, file: string): Promise<Weights> {
  const { classifierOf } = await import("../../train/recipe.ts");
  const { decodeSafetensors, fromTorch } = await import("../../core/weights/mod.ts");
  const graph = classifierOf(recipe, classes);
  const { tensors } = decodeSafetensors(await Deno.readFile(file));
  try {
    return fromTorch(graph, tensors);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const wanted = `a ${graph.name} of ${classes} classes`;
    throw new UsageError(
      `Cannot start "${recipe.id}" from "${file}": it does not hold ${wanted}. ${error.message}`,
      {
        cause: error,
      },
    );
  }
}
