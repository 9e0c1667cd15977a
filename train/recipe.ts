/**
 * Recipes: everything that decides what a run becomes. A recipe is plain data, stored with the run, and says its method; each
 * method has a trainer of its own (`train.ts`).
 *
 * @module
 */
import { cellCount, frameOf, type Grid, patchSide } from "../core/geometry/mod.ts";
import type { Graph } from "../core/graph/mod.ts";
import type { Fusion, Normalization, ReadingName } from "../core/policy/mod.ts";
import { gridPolicy, modelOf, patchReader, resNetCifar } from "../models/mod.ts";
import type { ClassifierStageOptions } from "./classifier.ts";
import type { Augmentation, Dataset } from "./data/mod.ts";
import type { GlanceOptions } from "./glance.ts";
import type { PolicyStageOptions } from "./patchdrop.ts";

/** One stage of a PatchDrop recipe, in the order they are run. */
export type StageRecipe =
  & { readonly name: string }
  & (
    /** The classifier on whole frames, or masked with a keep probability uniform in `[keepLeast, 1]`. */
    | { readonly kind: "classifier"; readonly keepLeast: number; readonly options: ClassifierStageOptions }
    /** A patch reader on patches of `count` procedural scenes of `cells` x `cells` cells an epoch. */
    | {
      readonly kind: "reader";
      readonly cells: number;
      readonly count: number;
      readonly options: ClassifierStageOptions;
    }
    /** The glance classifier. */
    | { readonly kind: "glance"; readonly options: ClassifierStageOptions }
    /** Policy alone, or policy and classifier, by the options. */
    | { readonly kind: "policy"; readonly options: PolicyStageOptions }
    /** The classifier on every prefix of the frozen policy's ranking, for episodes of several turns. */
    | { readonly kind: "nested"; readonly least: number; readonly options: ClassifierStageOptions }
  );

/** A format of pictures on the wire. */
export interface Transfer {
  /** Media type. */
  readonly type: "image/png" | "image/jpeg";
  /** Quality of JPEG, 1 to 100. */
  readonly quality?: number;
}

/** What every recipe says. */
export interface RecipeBase {
  /** Names the run, and the bundle where the method makes one. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Seed of everything random. */
  readonly seed: number;
  /** What networks see. */
  readonly normalization: Normalization;
  /** Augmentation of training pictures. */
  readonly augmentation?: Augmentation;
  /** Pictures held out of the training data. */
  readonly validation: number;
}

/** A network of the zoo on whole pictures, from scratch or from given weights; it becomes a file of weights. */
export interface ClassifierRecipe extends RecipeBase {
  /** Method. */
  readonly method: "classifier";
  /** A name of the zoo (`models/mod.ts`). */
  readonly network: string;
  /** How it learns. There is no teacher and no average: `distill` and the optimiser's `ema` must be 0. */
  readonly options: ClassifierStageOptions;
}

/** PatchDrop: a policy, a classifier and what goes with them; it becomes a bundle. */
export interface PatchdropRecipe extends RecipeBase {
  /** Method. */
  readonly method: "patchdrop";
  /** Cells and patches; the frame follows. */
  readonly grid: Grid;
  /** How patches are read. */
  readonly reading: ReadingName;
  /** How glances are made. */
  readonly glance: GlanceOptions;
  /** Classifier: a name of the zoo (`canvas`); readers of patches have one form. */
  readonly classifier: string;
  /** Policy: `resnet8` as published, with the mean or with all positions before its head; `grid`: one logit per cell. */
  readonly policy: {
    readonly network: "resnet8" | "grid";
    readonly head: "pool" | "flatten";
    /** 2019 code: the glance is enlarged to the frame first. */
    readonly enlarged: boolean;
    /** Initial bias of the head. */
    readonly bias: number;
  };
  /** How glance logits count in the finished model. */
  readonly fusion: Fusion;
  /** How glances and patches travel; training sees what arrives. */
  readonly transfer: { readonly glance: Transfer; readonly patch: Transfer };
  /** What is run. */
  readonly stages: readonly StageRecipe[];
  /** Mean numbers of patches the operating points aim at, on validation data; the first is the default. */
  readonly targets: readonly number[];
  /** Most turns of looking an operating point may take. */
  readonly turns: number;
}

/** A recipe. */
export type Recipe = PatchdropRecipe | ClassifierRecipe;

/** The methods there are. */
export const METHODS: readonly Recipe["method"][] = ["patchdrop", "classifier"];

/**
 * A recipe from JSON, as far as it must be one to be run at all.
 *
 * @throws {TypeError} If it names no method, or lacks what its method needs.
 */
export function asRecipe(json: unknown): Recipe {
  const given = (json ?? {}) as { readonly [field: string]: unknown };
  const method = METHODS.find((each) => each === given["method"]);
  if (method === undefined) {
    const what = given["method"] === undefined
      ? "names no method"
      : `has method ${JSON.stringify(given["method"])}`;
    throw new TypeError(
      `Cannot read recipe: it ${what}, must be one of ${
        METHODS.join(", ")
      } (recipes of before there were methods are "patchdrop")`,
    );
  }
  const needed = NEEDED[method].filter((field) => given[field] === undefined);
  if (needed.length > 0) {
    throw new TypeError(
      `Cannot read recipe: it has no ${needed.join(", ")}, method "${method}" must have them`,
    );
  }
  return json as Recipe;
}

const COMMON = ["id", "title", "seed", "normalization", "validation"];
const NEEDED: Readonly<Record<Recipe["method"], readonly string[]>> = {
  patchdrop: [...COMMON, "grid", "reading", "glance", "stages"],
  classifier: [...COMMON, "network", "options"],
};

/** A recipe with another number of epochs in all of its stages. */
export function withEpochs(recipe: Recipe, epochs: number): Recipe {
  switch (recipe.method) {
    case "classifier":
      return { ...recipe, options: { ...recipe.options, epochs } };
    case "patchdrop":
      return {
        ...recipe,
        stages: recipe.stages.map((stage) =>
          ({ ...stage, options: { ...stage.options, epochs } }) as typeof stage
        ),
      };
  }
}

/**
 * The network that a recipe can start from given weights: the one it trains, or PatchDrop's classifier.
 *
 * @throws {RangeError} If the zoo has none of that name.
 */
export function classifierOf(recipe: Recipe, classes: number): Graph {
  switch (recipe.method) {
    case "classifier":
      return modelOf(recipe.network).build(classes);
    case "patchdrop":
      return graphsOf(recipe, classes).classifier;
  }
}

/** The graphs of a PatchDrop recipe. */
export interface RecipeGraphs {
  /** Input `glance`, outputs `logits` and, if a stage wants it, `value`. */
  readonly policy: Graph;
  /** Input `image` or `patch`, output `logits`. */
  readonly classifier: Graph;
  /** Input `glance`, output `logits`; absent when no stage trains it. */
  readonly glance?: Graph;
}

/** Builds the graphs of a PatchDrop recipe for a number of classes. */
export function graphsOf(recipe: PatchdropRecipe, classes: number): RecipeGraphs {
  const { grid, glance, policy, stages } = recipe;
  const outputs = cellCount(grid);
  const valueHead = stages.some((stage) => stage.kind === "policy" && stage.options.estimator === "value");
  return {
    policy: policy.network === "grid"
      ? gridPolicy({
        side: glance.side,
        rows: grid.rows,
        columns: grid.columns,
        bias: policy.bias,
        valueHead,
      })
      : resNetCifar({
        depth: 8,
        outputs,
        side: glance.side,
        input: "glance",
        head: policy.head,
        headBias: policy.bias,
        valueHead,
        ...(policy.enlarged ? { enlargeTo: frameOf(grid).width } : {}),
      }),
    classifier: recipe.reading === "patches"
      ? patchReader({ side: patchSide(grid), classes })
      : modelOf(recipe.classifier).build(classes),
    ...(stages.some(({ kind }) => kind === "glance")
      ? { glance: resNetCifar({ depth: 32, outputs: classes, side: glance.side, input: "glance" }) }
      : {}),
  };
}

/**
 * How pictures of a data set become frames where they are not frames already: files are resized and cut from the middle, as the
 * finished model's `cover` does.
 */
export function frameView(
  recipe: Pick<PatchdropRecipe, "grid">,
  data: Dataset,
): { readonly augmentation?: Augmentation } {
  if (data.length === 0 || data.source(0).kind !== "file") return {};
  const side = frameOf(recipe.grid).width;
  return { augmentation: { kind: "center-crop", resizePx: side, sizePx: side } };
}

/**
 * How pictures of a data set become inputs of a network, if they are not already: cut from the middle, 256 px for an input of 224
 * px, in the same proportion for others.
 */
export function networkView(graph: Graph, { packed }: Pick<Dataset, "packed">): Augmentation | undefined {
  const side = graph.inputs[0]!.shape.at(-2)!;
  if (packed?.width === side && packed.height === side) return undefined;
  return { kind: "center-crop", resizePx: Math.round(side * 256 / 224), sizePx: side };
}
