/**
 * Recipes that ship: the bundles of `models/repository` were made by the first of them.
 *
 * @module
 */
import type { OptimizerOptions } from "./engine/optimizer.ts";
import { IMAGENET_NORMALIZATION } from "./data/mod.ts";
import { published } from "./patchdrop.ts";
import type { PresetName } from "./preset_names.ts";
import type { ClassifierRecipe, PatchdropRecipe, Recipe, StageRecipe } from "./recipe.ts";

const SGD: OptimizerOptions = { kind: "sgd", momentum: 0.9, weightDecay: 5e-4 };
const ADAM: OptimizerOptions = { kind: "adam" };
const CIFAR_GRID = { rows: 4, columns: 4, cell: 8, halo: 0 } as const;
const SCENE_GRID = { rows: 16, columns: 16, cell: 32, halo: 8 } as const;

/**
 * CIFAR-10, 4 x 4 cells of 8 px, 8 px nearest-neighbour glance, starting from an imported ResNet-32.
 *
 * The order of stages is that of the paper with three departures, each measured on the card: the classifier first learns to see
 * masked frames, its own answers on whole frames are distilled throughout, and a last stage teaches it every prefix of the
 * policy's ranking, so that an episode may look again when it is not sure.
 */
const cifar10: PatchdropRecipe = {
  method: "patchdrop",
  id: "patchdrop-cifar10",
  title: "PatchDrop on CIFAR-10: 16 patches of 8 px, chosen from an 8 px glance",
  seed: 1,
  grid: CIFAR_GRID,
  reading: "canvas",
  glance: { side: 8, resample: "nearest" },
  normalization: IMAGENET_NORMALIZATION,
  augmentation: { kind: "pad-crop-flip", paddingPx: 4 },
  validation: 5000,
  classifier: "resnet32-cifar",
  policy: { network: "resnet8", head: "flatten", enlarged: false, bias: 0 },
  fusion: "sum",
  transfer: { glance: { type: "image/png" }, patch: { type: "image/png" } },
  stages: [
    {
      name: "masks",
      kind: "classifier",
      keepLeast: 0.2,
      options: {
        epochs: 2,
        batchSize: 128,
        distill: 1,
        update: { optimizer: SGD, schedule: { kind: "cosine", base: 0.03, warmup: 100 } },
      },
    },
    {
      name: "glance",
      kind: "glance",
      options: {
        epochs: 6,
        batchSize: 256,
        update: { optimizer: SGD, schedule: { kind: "cosine", base: 0.1, warmup: 100 } },
      },
    },
    {
      name: "pretrain",
      kind: "policy",
      options: {
        ...published("pretrain", 16),
        epochs: 2,
        batchSize: 256,
        penalty: -1,
        fusion: "sum",
        policy: { optimizer: ADAM, schedule: { kind: "constant", base: 1e-3 } },
      },
    },
    {
      name: "two-stream",
      kind: "policy",
      options: {
        ...published("two-stream", 16),
        epochs: 2,
        penalty: -1.5,
        distill: 1,
        policy: { optimizer: ADAM, schedule: { kind: "cosine", base: 5e-4 } },
        classifier: { optimizer: SGD, schedule: { kind: "cosine", base: 0.02 } },
      },
    },
    {
      name: "nested",
      kind: "nested",
      least: 2,
      options: {
        epochs: 3,
        batchSize: 128,
        distill: 1,
        update: { optimizer: SGD, schedule: { kind: "cosine", base: 0.03 } },
      },
    },
  ],
  targets: [7, 4, 5, 6, 8, 9],
  turns: 4,
};

/** CIFAR-10 exactly as the authors' 2020 code trains it, from scratch; days on a CPU. */
const cifar10Published: PatchdropRecipe = {
  ...cifar10,
  id: "patchdrop-cifar10-2020",
  title: "PatchDrop on CIFAR-10, the 2020 recipe",
  policy: { network: "resnet8", head: "pool", enlarged: false, bias: 0 },
  stages: [
    {
      name: "classifier",
      kind: "classifier",
      keepLeast: 1,
      options: {
        epochs: 300,
        batchSize: 128,
        update: {
          optimizer: { kind: "sgd", momentum: 0.9 },
          schedule: { kind: "step", base: 0.1, milestones: [150 * 352, 250 * 352] },
        },
      },
    },
    {
      name: "glance",
      kind: "glance",
      options: {
        epochs: 300,
        batchSize: 128,
        update: {
          optimizer: { kind: "sgd", momentum: 0.9 },
          schedule: { kind: "step", base: 0.1, milestones: [150 * 352, 250 * 352] },
        },
      },
    },
    { name: "pretrain", kind: "policy", options: published("pretrain", 16) },
    { name: "finetune", kind: "policy", options: published("finetune", 16) },
    { name: "two-stream", kind: "policy", options: published("two-stream", 16) },
  ],
  targets: [],
  turns: 1,
};

/**
 * Procedural scenes, 16 x 16 cells of 32 px, patches of 48 px, chosen from a 64 px glance.
 *
 * Patches are read one by one (the BagNet variant of the paper): evidence is summed, and what is not fetched is not computed. The
 * reader learns from patches of small scenes, told where the object is; then every patch of the large ones is read once, so that
 * the policy can be trained, without being told, with many samples per picture and a leave-one-out baseline.
 */
const scenes: PatchdropRecipe = {
  method: "patchdrop",
  id: "scenes",
  title: "PatchDrop on procedural aerial scenes: patches of 48 px, chosen from a 64 px glance of 512 px",
  seed: 1,
  grid: SCENE_GRID,
  reading: "patches",
  glance: { side: 64, resample: "area" },
  normalization: { mean: [0.45, 0.45, 0.4], std: [0.2, 0.2, 0.2] },
  validation: 500,
  classifier: "",
  policy: { network: "grid", head: "pool", enlarged: false, bias: -3 },
  fusion: "none",
  transfer: { glance: { type: "image/jpeg", quality: 95 }, patch: { type: "image/jpeg", quality: 85 } },
  stages: [
    {
      name: "reader",
      kind: "reader",
      cells: 4,
      count: 5120,
      options: {
        epochs: 4,
        batchSize: 32,
        update: { optimizer: ADAM, schedule: { kind: "cosine", base: 2e-3 } },
      },
    },
    {
      name: "policy",
      kind: "policy",
      options: {
        ...published("pretrain", 256),
        epochs: 30,
        batchSize: 32,
        penalty: -2,
        zeroAt: 16,
        alpha: 0.98,
        estimator: "leave-one-out",
        samples: 16,
        policy: { optimizer: ADAM, schedule: { kind: "cosine", base: 3e-3 } },
      },
    },
  ],
  targets: [6, 5],
  turns: 3,
};

/**
 * Class folders of pictures of any size: 4 x 4 cells of 56 px chosen from a 56 px glance, ResNet-18. A start for data sets of
 * one's own; the number of validation pictures and the epochs want adjusting.
 */
const pictures: PatchdropRecipe = {
  ...cifar10,
  id: "patchdrop-pictures",
  title: "PatchDrop on pictures: 16 patches of 56 px, chosen from a 56 px glance",
  grid: { rows: 4, columns: 4, cell: 56, halo: 0 },
  glance: { side: 56, resample: "area" },
  augmentation: { kind: "random-resized-crop", sizePx: 224 },
  validation: 200,
  classifier: "resnet18",
  transfer: { glance: { type: "image/jpeg", quality: 90 }, patch: { type: "image/jpeg", quality: 85 } },
  stages: cifar10.stages.map((stage) =>
    ({ ...stage, options: { ...stage.options, batchSize: 32 } }) as StageRecipe
  ),
  targets: [8, 4, 6],
  turns: 3,
};

/** CIFAR-10, ResNet-20 from scratch: momentum SGD as He et al. 2016, with Nesterov's form and half a cosine. */
const resnet20Cifar10: ClassifierRecipe = {
  method: "classifier",
  id: "resnet20-cifar10",
  title: "ResNet-20 on CIFAR-10, from scratch",
  seed: 1,
  network: "resnet20-cifar",
  normalization: IMAGENET_NORMALIZATION,
  augmentation: { kind: "pad-crop-flip", paddingPx: 4 },
  validation: 2000,
  options: {
    epochs: 30,
    batchSize: 128,
    update: {
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
      schedule: { kind: "cosine", base: 0.1, warmup: 750 },
    },
  },
};

/** Recipes by name. */
export const PRESETS: Readonly<Record<PresetName, Recipe>> = {
  cifar10,
  "cifar10-2020": cifar10Published,
  pictures,
  "resnet20-cifar10": resnet20Cifar10,
  scenes,
};
