/**
 * Training: engines, data sets, recipes, runs, export and evaluation. Loads TensorFlow.js; an engine is brought up by `open`.
 *
 * @module
 */
export * from "./checkpoint.ts";
export * from "./classifier_trainer.ts";
export * from "./data/mod.ts";
export * from "./engine/mod.ts";
export * from "./evaluate/mod.ts";
export * from "./export.ts";
export * from "./log/mod.ts";
export * from "./patchdrop_trainer.ts";
export * from "./preset_names.ts";
export * from "./presets.ts";
export * from "./publish.ts";
export * from "./recipe.ts";
export * from "./run.ts";
export * from "./train.ts";
export * from "./trainer.ts";
