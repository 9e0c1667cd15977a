/**
 * Whole runs of a few steps on every training engine: nothing is left behind, also by steps that fail; the same seed is the same
 * run; the log can be read.
 */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert/mod.js";
import { type Graph, GraphBuilder } from "../../core/graph/mod.ts";
import { stream } from "../../core/random.ts";
import type { Tensor } from "../../core/tensor.ts";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { createLoader } from "../../train/data/mod.ts";
import { Learner } from "../../train/engine/learner.ts";
import { memory, read, tf } from "../../train/engine/mod.ts";
import { Optimizer, type OptimizerOptions } from "../../train/engine/optimizer.ts";
import { crossEntropy, step } from "../../train/engine/step.ts";
import { type MetricsRow, readMetrics } from "../../train/log/mod.ts";
import { dropoutSeed, TrainingRun } from "../../train/run.ts";
import { readEvents } from "../support/events.ts";
import { inFolder } from "../support/folder.ts";
import { tinyData } from "../support/tiny_run.ts";
import { onEveryEngine } from "./engines.ts";

const [BATCH, SIDE, CLASSES, BATCHES, EPOCHS] = [4, 32, 4, 3, 2];
const NORMALIZATION = { mean: [0.2, 0.2, 0.2], std: [0.3, 0.3, 0.3] } as const;
/** Everything an update can have. */
const UPDATES: readonly OptimizerOptions[] = [
  { kind: "sgd", nesterov: true, weightDecay: 1e-3, clipNorm: 0.5, ema: 0.9 },
  { kind: "adamw", weightDecay: 1e-2, clipNorm: 0.5, ema: 0.9 },
];

/** Convolutions of both kinds, batch norms, dropout twice. */
function network(): Graph {
  const b = new GraphBuilder("whole");
  const x = b.conv("conv", b.input("image", [SIDE, SIDE, 3]), { filters: 6, kernel: 3, stride: 4, pad: 1 });
  const y = b.unary("relu", b.batchNorm("bn1", x));
  const z = b.unary("relu6", b.batchNorm("bn2", b.depthwise("deep", y, { kernel: 3, pad: 1 })));
  const once = b.node("dropout", "drop1", [b.unary("globalAveragePool", z)], { rate: 0.4 });
  const twice = b.node("dropout", "drop2", [b.dense("hidden", once, { units: 8 })], { rate: 0.4 });
  b.output("logits", b.dense("fc", twice, { units: CLASSES }));
  return b.build();
}

/** What a run leaves. */
interface Left {
  readonly rows: readonly Omit<MetricsRow, "time">[];
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Two epochs on augmented pictures; a step must leave the number of tensors as it was. */
async function run(folder: string, seed: number, options: OptimizerOptions): Promise<Left> {
  const start = memory().tensors;
  const learner = Learner.fresh(network(), seed);
  const optimizer = new Optimizer(learner.trainable, options, learner.decayed);
  const loader = createLoader(await tinyData(BATCH * BATCHES), {
    batchSize: BATCH,
    seed,
    shuffle: true,
    augmentation: { kind: "pad-crop-flip", paddingPx: 2 },
    normalization: NORMALIZATION,
  });
  {
    using training = await TrainingRun.open(
      { folder, progress: "silent", logEvery: 1 },
      { net: learner },
      {},
    );
    await training.stage({
      name: "whole",
      epochs: EPOCHS,
      batches: loader.batches,
      batchSize: BATCH,
      optimizers: { net: optimizer },
      data: (epoch, from) => loader.epoch(epoch, from),
      learn({ images, shape, labels }, place) {
        const before = memory().tensors;
        const [image, wanted] = [tf.tensor4d(images, [...shape]), tf.tensor1d(labels, "int32")];
        const loss = step(
          { learners: [learner], updates: [{ optimizer, rate: 0.05 }] },
          () => crossEntropy(learner.train({ image }, dropoutSeed(seed, place))["logits"]!, wanted),
        );
        tf.dispose([image, wanted]);
        assertEquals(memory().tensors, before + 1, "more than the loss is left");
        return { loss };
      },
    });
  }
  loader.close();
  learner.dispose();
  assertEquals(memory().tensors, start, "a run leaves tensors behind");
  const rows = (await readMetrics(folder)).map(({ time: _, ...row }) => row);
  return { rows, tensors: (await loadCheckpoint(folder))!.tensors };
}

onEveryEngine(
  "TrainingRun with dropout and augmentation leaves nothing behind and repeats itself bit by bit",
  async (t) => {
    for (const options of UPDATES) {
      await t.step(options.kind, async () => {
        await inFolder(async (root) => {
          const first = await run(`${root}/first`, 1, options);
          assertEquals(first.rows.length, EPOCHS * BATCHES);
          assertEquals(await run(`${root}/again`, 1, options), first);
          assertNotEquals((await run(`${root}/other`, 2, options)).rows, first.rows);
          // Event files are ours on every engine: those of tfjs exist on one only.
          const [version, ...events] = await readEvents(`${root}/first`);
          assertEquals(version!.version, "brain.Event:2");
          assertEquals(
            events.map(({ step, scalars }) => ({ step, scalars })),
            first.rows.map(({ step, scalars }) => ({
              step,
              scalars: Object.fromEntries(
                Object.entries(scalars).map(([name, v]) => [`whole/${name}`, Math.fround(v)]),
              ),
            })),
          );
        });
      });
    }
  },
);

onEveryEngine(
  "Learner.train() drops the same with the same seed, and something else in another step and layer",
  async () => {
    const b = new GraphBuilder("drops");
    const x = b.input("x", [400]);
    for (const name of ["a", "b"]) b.output(name, b.node("dropout", name, [x], { rate: 0.5 }));
    const learner = Learner.fresh(b.build(), 1);
    const before = memory().tensors;
    const drop = async (seed: number): Promise<Float32Array[]> => {
      const ones = tf.ones([1, 400]);
      const outputs = tf.tidy(() => learner.train({ x: ones }, seed));
      learner.settle();
      const values = [await read(outputs["a"]!), await read(outputs["b"]!)];
      tf.dispose([ones, outputs]);
      return values;
    };
    const place = { stage: "s", epoch: 0, batch: 0, step: 0 };
    const seeds = [0, 1, 2].map((step) => dropoutSeed(3, { ...place, step }));
    const [first, again, next] = [await drop(seeds[0]!), await drop(seeds[0]!), await drop(seeds[1]!)];
    assertEquals(again, first);
    assertNotEquals(next, first);
    assertNotEquals(first[0], first[1], "two layers drop the same");
    for (const values of [...first, ...next]) {
      // 400 draws with probability 1/2: 200 with a deviation of 10.
      const kept = values.filter((value) => value === 2).length;
      assertEquals(values.filter((value) => value === 0).length, 400 - kept);
      assert(Math.abs(kept - 200) < 60, `${kept} of 400 are kept`);
    }
    assertEquals(memory().tensors, before);
  },
);

onEveryEngine("step() that fails leaves no tensor behind and moves nothing", async (t) => {
  const learner = Learner.fresh(network(), 1);
  const optimizer = new Optimizer(learner.trainable, UPDATES[0]!, learner.decayed);
  const random = stream(1, "image");
  const image = tf.tensor4d(
    Float32Array.from({ length: BATCH * SIDE * SIDE * 3 }, () => random()),
    [BATCH, SIDE, SIDE, 3],
  );
  const labels = tf.tensor1d([0, 1, 2, 3], "int32");
  const updates = [{ optimizer, rate: 0.1 }];
  const loss = (): tf.Scalar => crossEntropy(learner.train({ image })["logits"]!, labels);
  const standing = memory().tensors;
  const weights = await learner.weights();
  const unmoved = async (): Promise<void> => {
    assertEquals(memory().tensors, standing, "tensors are left behind");
    assertEquals(await learner.weights(), weights);
  };

  await t.step("the loss throws", async () => {
    assertThrows(
      () =>
        step({ learners: [learner], updates }, () => {
          loss();
          throw new RangeError("no loss");
        }),
      RangeError,
      "no loss",
    );
    await unmoved();
  });

  await t.step("a variable has no gradient", async () => {
    const lonely = tf.tidy(() => tf.variable(tf.scalar(1)));
    const other = new Optimizer(new Map([["lonely", lonely]]), { kind: "sgd" });
    const before = memory().tensors;
    assertThrows(
      () => step({ learners: [learner], updates: [{ optimizer: other, rate: 0.1 }, ...updates] }, loss),
      RangeError,
      '"lonely" has no gradient',
    );
    assertEquals(memory().tensors, before, "tensors are left behind");
    other.dispose();
    lonely.dispose();
    await unmoved();
  });

  await t.step("the loss is NaN", async () => {
    const value = step({ learners: [learner], updates }, () => tf.mul(loss(), NaN));
    assert(Number.isNaN((await read(value))[0]));
    value.dispose();
    assertEquals(memory().tensors, standing, "tensors are left behind");
  });

  optimizer.dispose();
  learner.dispose();
  tf.dispose([image, labels]);
});
