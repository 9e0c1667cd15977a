/**
 * Recipes for commands: one that ships, one from a file, or the one of a run.
 *
 * @module
 */
import { readJson } from "../../train/files.ts";
import { PRESETS } from "../../train/presets.ts";
import type { Recipe } from "../../train/recipe.ts";
import { UsageError } from "./command.ts";

/** Which recipe, and what is changed in it. */
export interface RecipeChoice {
  /** Name of one that ships. */
  readonly preset: string;
  /** File instead. */
  readonly recipe?: string;
  /** Epochs of every stage instead. */
  readonly epochs?: number;
  /** Seed instead. */
  readonly seed?: number;
}

/**
 * The recipe that is asked for.
 *
 * @throws {UsageError} If there is none of that name or the file holds none.
 */
export async function recipeOf({ preset, recipe: file, epochs, seed }: RecipeChoice): Promise<Recipe> {
  const found = file === undefined
    ? (Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined)
    : await read(file);
  if (found === undefined) {
    throw new UsageError(`Cannot find recipe "${preset}": there is ${Object.keys(PRESETS).join(", ")}`);
  }
  return {
    ...found,
    ...(seed === undefined ? {} : { seed }),
    stages: epochs === undefined
      ? found.stages
      : found.stages.map((stage) => ({ ...stage, options: { ...stage.options, epochs } }) as typeof stage),
  };
}

/** A recipe file, or the `run.json` of a run. */
async function read(file: string): Promise<Recipe> {
  const json = await readJson(file) as { readonly recipe?: Recipe } & Partial<Recipe>;
  const recipe = json.recipe ?? json;
  if (!Array.isArray(recipe.stages) || recipe.grid === undefined) {
    throw new UsageError(`Cannot read recipe "${file}": it has no stages or no grid`);
  }
  return recipe as Recipe;
}
