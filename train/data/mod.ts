/**
 * Data sets, splits, augmentation and batches.
 *
 * @module
 */
export * from "./augment.ts";
export * from "./cifar.ts";
export * from "./csv.ts";
export * from "./dataset.ts";
export * from "./folder.ts";
export * from "./loader.ts";
export * from "./open.ts";
export * from "./scenes.ts";
export * from "./split.ts";
