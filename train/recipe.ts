/**
 * Recipes: everything that decides what a PatchDrop model becomes. A recipe is plain data and is stored with the run.
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

/** One stage of a recipe, in the order they are run. */
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

/** A recipe. */
export interface Recipe {
  /** Id of the bundle it becomes. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Seed of everything random. */
  readonly seed: number;
  /** Cells and patches; the frame follows. */
  readonly grid: Grid;
  /** How patches are read. */
  readonly reading: ReadingName;
  /** How glances are made. */
  readonly glance: GlanceOptions;
  /** What networks see. */
  readonly normalization: Normalization;
  /** Augmentation of training frames. */
  readonly augmentation?: Augmentation;
  /** Pictures held out of the training data. */
  readonly validation: number;
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

/** The graphs of a recipe. */
export interface RecipeGraphs {
  /** Input `glance`, outputs `logits` and, if a stage wants it, `value`. */
  readonly policy: Graph;
  /** Input `image` or `patch`, output `logits`. */
  readonly classifier: Graph;
  /** Input `glance`, output `logits`; absent when no stage trains it. */
  readonly glance?: Graph;
}

/** Builds the graphs of a recipe for a number of classes. */
export function graphsOf(recipe: Recipe, classes: number): RecipeGraphs {
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
  recipe: Pick<Recipe, "grid">,
  data: Dataset,
): { readonly augmentation?: Augmentation } {
  if (data.length === 0 || data.source(0).kind !== "file") return {};
  const side = frameOf(recipe.grid).width;
  return { augmentation: { kind: "center-crop", resizePx: side, sizePx: side } };
}
