/**
 * Recipes for commands: one that ships, one from a file, or the one of a run.
 *
 * @module
 */
import { readJson } from "../../train/files.ts";
import { PRESET_NAMES } from "../../train/preset_names.ts";
import { PRESETS } from "../../train/presets.ts";
import { asRecipe, type Recipe, withEpochs } from "../../train/recipe.ts";
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
    ? Object.entries(PRESETS).find(([name]) => name === preset)?.[1]
    : await read(file);
  if (found === undefined) {
    throw new UsageError(`Cannot find recipe "${preset}": there is ${PRESET_NAMES.join(", ")}`);
  }
  const seeded = seed === undefined ? found : { ...found, seed };
  return epochs === undefined ? seeded : withEpochs(seeded, epochs);
}

/** A recipe file, or the `run.json` of a run. */
async function read(file: string): Promise<Recipe> {
  const json = await readJson(file) as { readonly recipe?: unknown } | null;
  try {
    return asRecipe(json?.recipe ?? json);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.replace("recipe", `recipe "${file}"`), { cause: error });
  }
}
