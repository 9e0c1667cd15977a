import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { decodeSafetensors, fromTorch } from "../core/weights/mod.ts";
import { inFolder, namesIn } from "../tests/support/folder.ts";
import { TINY_CLASSIFIER, TINY_RECIPE, tinyData } from "../tests/support/tiny_run.ts";
import { NETWORK_FILE, trainClassifier } from "./classifier_trainer.ts";
import { memory, open } from "./engine/mod.ts";
import { readMetrics } from "./log/mod.ts";
import { classifierOf, type ClassifierRecipe } from "./recipe.ts";
import { train } from "./train.ts";
import { RUN_FILE, type TrainOptions } from "./trainer.ts";

const RECIPE: ClassifierRecipe = {
  ...TINY_CLASSIFIER,
  validation: 8,
  options: {
    epochs: 4,
    batchSize: 8,
    update: {
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
      schedule: { kind: "cosine", base: 0.05, warmup: 2 },
    },
  },
};

/** Trains on 40 pictures in a folder, without a word. */
async function run(folder: string, options: Partial<TrainOptions<ClassifierRecipe>> = {}): Promise<void> {
  const say = console.error;
  console.error = () => {};
  try {
    const data = await tinyData(40);
    using _ = await trainClassifier({
      recipe: RECIPE,
      data,
      folder,
      progress: "silent",
      logEvery: 2,
      ...options,
    });
  } finally {
    console.error = say;
  }
}

Deno.test("train() of a classifier learns, says so, and leaves weights that fit wherever the network is read", async () => {
  await inFolder(async (folder) => {
    const engine = await open("wasm");
    try {
      const tensors = memory().tensors;
      await run(folder);
      assertEquals(memory().tensors, tensors);
      const rows = await readMetrics(folder);
      const losses = rows.filter(({ stage }) => stage === "classifier").map(({ scalars }) =>
        scalars["loss"]!
      );
      assertEquals(losses.length, 8);
      assert(losses.at(-1)! < 0.7 * losses[0]!, `losses ${losses}`);
      const held = rows.filter(({ stage }) => stage === "classifier/validation");
      assertEquals(held.map(({ epoch, step }) => [epoch, step]), [[1, 4], [2, 8], [3, 12], [4, 16]]);
      assertEquals(Object.keys(held[0]!.scalars), ["accuracy", "loss"]);
      for (const file of [NETWORK_FILE, RUN_FILE, "report.html", "curves.svg"]) {
        assert(namesIn(folder).includes(file), file);
      }
      const { tensors: found, metadata } = decodeSafetensors(
        await Deno.readFile(`${folder}/${NETWORK_FILE}`),
      );
      assertEquals(metadata["network"], "resnet8-cifar");
      assertEquals(found.get("conv1.weight")!.shape, [16, 3, 3, 3]); // torchvision's order
      // PatchDrop starts from the same file where its classifier is the same network.
      assertEquals(TINY_RECIPE.classifier, RECIPE.network);
      const weights = fromTorch(classifierOf(TINY_RECIPE, 4), found);
      const again = `${folder}/again`;
      const fewer = { ...RECIPE, options: { ...RECIPE.options, epochs: 1 } };
      await run(again, { recipe: fewer, classifierWeights: weights });
      const first = (await readMetrics(again))[0]!.scalars["loss"]!;
      assert(first < losses[0]!, `fine-tuning starts at ${first}, training from scratch at ${losses[0]}`);
    } finally {
      engine.close();
    }
  });
});

Deno.test("train() of a classifier ends with the same weights and metrics when it is stopped after each of its first steps", async () => {
  await inFolder(async (folder) => {
    const engine = await open("wasm");
    try {
      const [whole, pieces] = [`${folder}/whole`, `${folder}/pieces`];
      const recipe = { ...RECIPE, options: { ...RECIPE.options, epochs: 2 } };
      await run(whole, { recipe });
      for (let step = 0; step < 5; step++) { // the fourth ends an epoch
        await assertRejects(() => run(pieces, { recipe, signal: AbortSignal.abort() }), DOMException);
        assert(!namesIn(pieces).includes(NETWORK_FILE));
      }
      await run(pieces, { recipe });
      const bytes = (of: string): Promise<Uint8Array> => Deno.readFile(`${of}/${NETWORK_FILE}`);
      assertEquals(await bytes(pieces), await bytes(whole));
      const metrics = async (of: string): Promise<unknown> =>
        (await readMetrics(of)).map((row) => ({ ...row, time: 0 }));
      assertEquals(await metrics(pieces), await metrics(whole));
      // A finished run is not trained again, and what was lost of it is written again.
      await Deno.remove(`${whole}/${NETWORK_FILE}`);
      await run(whole, { recipe, signal: AbortSignal.abort() });
      assertEquals(await bytes(whole), await bytes(pieces));
    } finally {
      engine.close();
    }
  });
});

Deno.test("train() goes on with no other recipe than the one of the folder, titles and epochs apart", async () => {
  await inFolder(async (folder) => {
    const engine = await open("wasm");
    try {
      const one = { ...RECIPE, options: { ...RECIPE.options, epochs: 1 } };
      await run(folder, { recipe: one });
      await run(folder, { recipe: { ...one, title: "Renamed" } });
      for (
        const other of [{ ...one, seed: 4 }, { ...one, options: { ...one.options, batchSize: 4 } }]
      ) {
        await assertRejects(() => run(folder, { recipe: other }), RangeError, "Cannot resume");
      }
    } finally {
      engine.close();
    }
  });
});

Deno.test("train() refuses what a file of weights could not keep, and pictures of another size", async () => {
  const { options } = RECIPE;
  const { update } = options;
  const refused: readonly [string, ClassifierRecipe][] = [
    ["distill is 1, must be 0", { ...RECIPE, options: { ...options, distill: 1 } }],
    ["ema is 0.99, must be 0", {
      ...RECIPE,
      options: { ...options, update: { ...update, optimizer: { kind: "sgd", ema: 0.99 } } },
    }],
    ["normalization is", { ...RECIPE, normalization: { mean: [0, 0, 0], std: [1, 1, 1] } }],
    ["pictures are 24 x 24 px after augmentation, must be 32 x 32", {
      ...RECIPE,
      augmentation: { kind: "random-resized-crop", sizePx: 24 },
    }],
  ];
  const engine = await open("wasm");
  try {
    const data = await tinyData(40);
    await inFolder(async (folder) => {
      for (const [message, recipe] of refused) {
        await assertRejects(() => train({ recipe, data, folder, progress: "silent" }), RangeError, message);
      }
    });
  } finally {
    engine.close();
  }
});
