/**
 * Runs a PatchDrop recipe: networks, stages in order, checkpoints, log. The end of it is a folder that `export` makes a bundle of.
 *
 * @module
 */
import { cellCount } from "../core/geometry/mod.ts";
import type { Weights } from "../core/graph/mod.ts";
import { stream } from "../core/random.ts";
import {
  classifierStage,
  type ClassifierStageParts,
  frameLogits,
  glanceLogits,
  nestedActions,
} from "./classifier.ts";
import { createLoader, type Dataset, type Loader } from "./data/mod.ts";
import { split } from "./data/split.ts";
import { Learner } from "./engine/learner.ts";
import { tf } from "./engine/tf.ts";
import {
  collectEvidence,
  type Evidence,
  evidenceBatch,
  evidenceBatches,
  evidenceVision,
} from "./evidence.ts";
import { glancesOf } from "./glance.ts";
import type { ProgressMode } from "./log/mod.ts";
import { look, measureGreedy, type MeasureParts, measureWhole } from "./measure.ts";
import { type Actors, type LabelledFrames, policyStage } from "./patchdrop.ts";
import { readerStage } from "./reader.ts";
import { frameView, graphsOf, type PatchdropRecipe, type RecipeGraphs, type StageRecipe } from "./recipe.ts";
import { dropoutSeed, type Stage } from "./run.ts";
import { openRun, reportRun, type Trained, trainLoader, type TrainOptions, unlimited } from "./trainer.ts";
import { type Vision, visionOf } from "./vision.ts";

/** PatchDrop's networks after training. */
export interface TrainedPatchdrop extends Trained {
  /** Graphs. */
  readonly graphs: RecipeGraphs;
  /** Networks. */
  readonly actors: Actors;
  /** Reads actions. */
  readonly vision: Vision;
  /** How it measures. */
  readonly parts: MeasureParts;
}

/** What does not change when a run is resumed: all but how long its stages are, its title, and what export aims at. */
function lasting(recipe: PatchdropRecipe): object {
  const stages = recipe.stages.map((stage) => ({ ...stage, options: unlimited(stage.options) }));
  const { targets: _, turns: __, title: ___, ...rest } = { ...recipe, stages };
  return rest;
}

/**
 * Trains, or goes on training.
 *
 * @throws {RangeError} If the recipe does not fit the data or the run in the folder is another one.
 */
export async function trainPatchdrop(options: TrainOptions<PatchdropRecipe>): Promise<TrainedPatchdrop> {
  const { recipe, data } = options;
  const parts = await split(data, { validation: recipe.validation, seed: recipe.seed });
  const networks = networksOf(recipe, data.classes.length, options.classifierWeights);
  using unlessTrained = new DisposableStack();
  unlessTrained.use(networks);
  const { actors, vision } = networks;
  const learners = {
    policy: actors.policy,
    classifier: actors.classifier,
    ...(actors.glance === undefined ? {} : { glance: actors.glance }),
  };
  using run = await openRun(options, learners, lasting(recipe));
  const batchSize = recipe.stages.reduce(
    (least, { options: { batchSize } }) => Math.min(least, batchSize),
    250,
  );
  const view = frameView(recipe, data);
  const validation = createLoader(parts.validation, {
    batchSize,
    normalization: recipe.normalization,
    ...view,
  });
  using ending = new DisposableStack();
  ending.defer(() => validation.close());
  const measured: MeasureParts = {
    actors,
    vision,
    grid: recipe.grid,
    glance: recipe.glance,
    fusion: recipe.fusion,
  };
  for (const stage of recipe.stages) {
    if (run.nextIsDone) {
      run.skip();
      continue;
    }
    if (stage.kind === "reader") {
      await run.stage(readerStage({
        name: stage.name,
        reader: actors.classifier,
        grid: { ...recipe.grid, rows: stage.cells, columns: stage.cells },
        classes: data.classes.length,
        normalization: recipe.normalization,
        transfer: recipe.transfer.patch,
        seed: recipe.seed,
        count: stage.count,
      }, stage.options));
      continue;
    }
    const { batchSize } = stage.options;
    const loader = trainLoader(recipe, parts.train, { batchSize, view: view.augmentation });
    const index = recipe.stages.indexOf(stage);
    const context: StageContext = { recipe, measured, loader, validation, index, progress: options.progress };
    try {
      await run.stage(await stageOf(stage, context));
    } finally {
      loader.close();
    }
  }
  await reportRun(run, options);
  unlessTrained.move();
  return {
    graphs: networks.graphs,
    actors,
    vision,
    parts: measured,
    validation: parts.validation,
    [Symbol.dispose]: () => networks[Symbol.dispose](),
  };
}

/** The networks of a recipe with first weights. */
export function networksOf(
  recipe: PatchdropRecipe,
  classes: number,
  classifierWeights?: Weights,
): { graphs: RecipeGraphs; actors: Actors; vision: Vision } & Disposable {
  const graphs = graphsOf(recipe, classes);
  const classifier = classifierWeights === undefined
    ? Learner.fresh(graphs.classifier, recipe.seed)
    : new Learner(graphs.classifier, classifierWeights);
  const actors: Actors = {
    policy: Learner.fresh(graphs.policy, recipe.seed),
    classifier,
    ...(graphs.glance === undefined ? {} : { glance: Learner.fresh(graphs.glance, recipe.seed) }),
    ...(classifierWeights === undefined || recipe.reading === "patches"
      ? {}
      : { teacher: new Learner(graphs.classifier, classifierWeights) }),
  };
  return {
    graphs,
    actors,
    vision: visionOf(recipe.reading, recipe.grid, classifier),
    [Symbol.dispose]: () => Object.values(actors).forEach((learner: Learner) => learner.dispose()),
  };
}

interface StageContext {
  readonly recipe: PatchdropRecipe;
  readonly measured: MeasureParts;
  readonly loader: Loader;
  readonly validation: Loader;
  readonly index: number;
  readonly progress: ProgressMode | undefined;
}

async function stageOf(
  stage: Exclude<StageRecipe, { readonly kind: "reader" }>,
  context: StageContext,
): Promise<Stage<LabelledFrames>> {
  const { recipe, measured, loader, validation, index } = context;
  const { actors, vision } = measured;
  // Every stage sees the data in orders of its own.
  const data = (epoch: number, from: number): AsyncIterable<LabelledFrames> =>
    loader.epoch(1000 * index + epoch, from);
  const common = { name: stage.name, batches: loader.batches, data };
  const whole = async (): Promise<Record<string, number>> => ({
    ...await measureWhole(measured, validation),
  });
  const teacher = actors.teacher === undefined ? {} : { teacher: actors.teacher };
  const supervised = (
    learner: Learner,
    logits: ClassifierStageParts["logits"],
    validate: () => Promise<Record<string, number>>,
    options: Parameters<typeof classifierStage>[1],
  ): Stage<LabelledFrames> => {
    const steady = learner !== actors.classifier || vision.steady;
    return classifierStage({ ...common, ...teacher, learner, logits, steady, validate }, options);
  };
  const greedy = async (): Promise<Record<string, number>> => ({
    ...await measureGreedy(measured, validation),
  });
  switch (stage.kind) {
    case "classifier": {
      const logits = frameLogits(vision, recipe.grid, { seed: recipe.seed, keepLeast: stage.keepLeast });
      return supervised(actors.classifier, logits, whole, stage.options);
    }
    case "glance": {
      if (actors.glance === undefined) {
        throw new RangeError("Cannot train glance classifier: the recipe has none");
      }
      return supervised(
        actors.glance,
        glanceLogits(actors.glance, { ...recipe.glance, seed: recipe.seed }),
        whole,
        {
          ...stage.options,
          distill: 0,
        },
      );
    }
    case "policy":
      if (recipe.reading === "patches" && stage.options.classifier === undefined) {
        return await tableStage(stage, context);
      }
      return policyStage({
        ...common,
        actors,
        vision,
        grid: recipe.grid,
        reading: recipe.reading,
        glance: recipe.glance,
        seed: recipe.seed,
        validate: greedy,
      }, stage.options);
    case "nested":
      return nestedStage(stage.least, supervised, context, greedy, stage.options);
  }
}

/** Policy training on a frozen reader: every patch is read once, then rewards are sums over a table. */
async function tableStage(
  stage: StageRecipe & { readonly kind: "policy" },
  { recipe, measured, loader, validation, progress }: StageContext,
): Promise<Stage<LabelledFrames>> {
  const { grid, glance, seed } = recipe;
  const { batchSize } = stage.options;
  const collect = (dataset: Dataset): Promise<Evidence> =>
    collectEvidence({
      reader: measured.actors.classifier,
      recipe,
      dataset,
      title: `${stage.name}: reading ${dataset.name}`,
      ...(progress === undefined ? {} : { progress }),
    });
  const train = await collect(loader.dataset);
  const held = await collect(validation.dataset);
  const parts = { ...measured, vision: evidenceVision(held, grid) };
  const order = Int32Array.from(held.labels, (_, i) => i);
  const batches = {
    epoch: async function* () {
      for (let at = 0; at < order.length; at += 100) {
        yield await Promise.resolve(evidenceBatch(held, order.slice(at, at + 100)));
      }
    },
  };
  return policyStage({
    name: stage.name,
    batches: Math.floor(train.labels.length / batchSize),
    actors: measured.actors,
    vision: evidenceVision(train, grid),
    grid,
    reading: recipe.reading,
    glance,
    seed,
    data: (epoch, from) => evidenceBatches(train, { seed, epoch, batchSize, from }),
    validate: async () => ({ ...await measureGreedy(parts, batches) }),
  }, stage.options);
}

/** The classifier on prefixes of the frozen policy's ranking, glance logits added as in the finished model. */
function nestedStage(
  least: number,
  supervised: (
    ...parts: [
      Learner,
      ClassifierStageParts["logits"],
      () => Promise<Record<string, number>>,
      Parameters<typeof classifierStage>[1],
    ]
  ) => Stage<LabelledFrames>,
  { recipe, measured }: StageContext,
  validate: () => Promise<Record<string, number>>,
  options: Parameters<typeof classifierStage>[1],
): Stage<LabelledFrames> {
  const { actors, vision } = measured;
  const cells = cellCount(recipe.grid);
  let actions = new Float32Array(0);
  const inner = supervised(
    actors.classifier,
    (batch, place) => {
      const logits = vision.logits(batch, actions, dropoutSeed(recipe.seed, place));
      if (actors.glance === undefined || recipe.fusion === "none") return logits;
      const glance = actors.glance.predict({ glance: glancesOf(batch, recipe.glance) })["logits"]!;
      if (recipe.fusion === "sum") return tf.add(logits, glance);
      const n = batch.labels.length;
      const share = tf.mean(tf.tensor2d(actions, [n, cells]), 1, true);
      return tf.add(tf.mul(share, logits), tf.mul(tf.sub(1, share), glance));
    },
    validate,
    options,
  );
  return {
    ...inner,
    async learn(batch, place) {
      const { probabilities } = await look(measured, batch);
      const random = stream(recipe.seed, `nested/${place.epoch}/${place.batch}`);
      actions = nestedActions(probabilities, cells, least, random) as Float32Array<ArrayBuffer>;
      return await inner.learn(batch, place);
    },
  };
}
