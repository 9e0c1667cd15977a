/**
 * Names of the recipes that ship, for help texts: the recipes themselves load TensorFlow.js.
 *
 * @module
 */

/** Names of the recipes that ship. */
export const PRESET_NAMES = ["cifar10", "cifar10-2020", "pictures", "resnet20-cifar10", "scenes"] as const;

/** Name of a recipe that ships. */
export type PresetName = (typeof PRESET_NAMES)[number];
