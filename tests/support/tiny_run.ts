/**
 * A whole training run of seconds: a ResNet-8 on 32 px pictures of four colours, every kind of stage a canvas recipe has.
 *
 * As a program, `deno run -A tests/support/tiny_run.ts FOLDER`: trains, or goes on training, in the folder; a test kills it.
 *
 * @module
 */
import { encode } from "../../core/image/mod.ts";
import { raster } from "../../core/image/raster.ts";
import { stream } from "../../core/random.ts";
import { type Dataset, sha256 } from "../../train/data/mod.ts";
import { open } from "../../train/engine/mod.ts";
import type { OptimizerOptions } from "../../train/engine/optimizer.ts";
import { published } from "../../train/patchdrop.ts";
import type { ClassifierRecipe, PatchdropRecipe } from "../../train/recipe.ts";
import { train } from "../../train/train.ts";

const SIDE = 32;
const BYTES = SIDE * SIDE * 3;
const SGD: OptimizerOptions = { kind: "sgd", momentum: 0.9 };
const ADAM: OptimizerOptions = { kind: "adam" };
const RATE = { kind: "cosine", base: 0.01 } as const;

/** Noise with a square of the class's colour somewhere. */
export async function tinyData(length: number): Promise<Dataset> {
  const random = stream(5, "tiny/pictures");
  const data = Uint8Array.from({ length: length * BYTES }, () => 64 * random());
  const labels = Int32Array.from({ length }, (_, n) => n % 4);
  labels.forEach((label, n) => {
    const [left, top] = [Math.floor(24 * random()), Math.floor(24 * random())];
    for (let p = 0; p < 64; p++) {
      const at = n * BYTES + ((top + (p >> 3)) * SIDE + left + (p & 7)) * 3;
      for (let c = 0; c < 3; c++) data[at + c] = label === c || label === 3 ? 255 : 0;
    }
  });
  const rows = Int32Array.from({ length }, (_, n) => n);
  return {
    name: "tiny",
    classes: ["red", "green", "blue", "white"],
    length,
    hash: await sha256(data),
    labels,
    packed: { width: SIDE, height: SIDE, data, rows },
    source: (n) => ({
      kind: "raster",
      raster: raster(SIDE, SIDE, data.subarray(n * BYTES, (n + 1) * BYTES)),
    }),
    where: (n) => `tiny:${n}`,
  };
}

/** Every kind of stage, four batches of four an epoch. */
export const TINY_RECIPE: PatchdropRecipe = {
  method: "patchdrop",
  id: "tiny",
  title: "A run of seconds",
  seed: 2,
  grid: { rows: 4, columns: 4, cell: 8, halo: 0 },
  reading: "canvas",
  glance: { side: 8, resample: "area" },
  normalization: { mean: [0.2, 0.2, 0.2], std: [0.3, 0.3, 0.3] },
  augmentation: { kind: "pad-crop-flip", paddingPx: 2 },
  validation: 4,
  classifier: "resnet8-cifar",
  policy: { network: "resnet8", head: "flatten", enlarged: false, bias: 0 },
  fusion: "none",
  transfer: { glance: { type: "image/png" }, patch: { type: "image/png" } },
  stages: [
    {
      name: "masks",
      kind: "classifier",
      keepLeast: 0.3,
      options: { epochs: 1, batchSize: 4, update: { optimizer: SGD, schedule: RATE } },
    },
    {
      name: "pretrain",
      kind: "policy",
      options: {
        ...published("pretrain", 16),
        epochs: 1,
        batchSize: 4,
        policy: { optimizer: ADAM, schedule: RATE },
      },
    },
    {
      name: "finetune",
      kind: "policy",
      options: {
        ...published("finetune", 16),
        epochs: 2,
        batchSize: 4,
        policy: { optimizer: ADAM, schedule: RATE },
        classifier: { optimizer: SGD, schedule: RATE },
      },
    },
    {
      name: "nested",
      kind: "nested",
      least: 2,
      options: { epochs: 1, batchSize: 4, update: { optimizer: SGD, schedule: RATE } },
    },
  ],
  targets: [],
  turns: 1,
};

/** A ResNet-8 alone, three epochs of four batches of four. */
export const TINY_CLASSIFIER: ClassifierRecipe = {
  method: "classifier",
  id: "tiny-classifier",
  title: "A network of seconds",
  seed: 3,
  normalization: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  augmentation: { kind: "pad-crop-flip", paddingPx: 2 },
  validation: 4,
  network: "resnet8-cifar",
  options: { epochs: 3, batchSize: 4, update: { optimizer: SGD, schedule: RATE } },
};

/** Writes pictures as PNG files in class folders, `<class>/<number>.png`. */
export async function writePictures(
  folder: string,
  { length, classes, labels, source }: Dataset,
): Promise<void> {
  for (let n = 0; n < length; n++) {
    const picture = source(n);
    if (picture.kind !== "raster") throw new TypeError(`Cannot write a ${picture.kind}, must be a raster`);
    const own = `${folder}/${classes[labels[n]!]}`;
    await Deno.mkdir(own, { recursive: true });
    const bytes = await encode(picture.raster, { type: "image/png" });
    await Deno.writeFile(`${own}/${String(n).padStart(3, "0")}.png`, bytes);
  }
}

/** Trains in a folder, or goes on training. */
export async function tinyRun(folder: string): Promise<void> {
  const engine = await open("wasm");
  const trained = await train({
    recipe: TINY_RECIPE,
    data: await tinyData(20),
    folder,
    progress: "silent",
    logEvery: 1,
    saveEvery: 2,
  });
  trained[Symbol.dispose]();
  engine.close();
}

if (import.meta.main) await tinyRun(Deno.args[0]!);
