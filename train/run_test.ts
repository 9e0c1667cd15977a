import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { GraphBuilder } from "../core/graph/mod.ts";
import { stream } from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { inFolder } from "../tests/support/folder.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import { Learner } from "./engine/learner.ts";
import { memory, open, tf } from "./engine/mod.ts";
import { Optimizer, rateAt } from "./engine/optimizer.ts";
import { crossEntropy, step } from "./engine/step.ts";
import { readMetrics } from "./log/mod.ts";
import { type RunOptions, type Stage, TrainingRun } from "./run.ts";

const BATCHES = 5;
const EPOCHS = 2;
const SEED = 3;

interface Example {
  readonly x: Float32Array;
  readonly y: Int32Array;
}

/** A network with batch norm, so that running statistics are part of what must be kept. */
function network(): Learner {
  const b = new GraphBuilder("tiny");
  const hidden = b.unary("relu", b.batchNorm("bn", b.dense("in", b.input("x", [4]), { units: 6 })));
  b.output("logits", b.dense("out", hidden, { units: 3 }));
  return Learner.fresh(b.build(), SEED);
}

/** Learns which of three numbers is the largest. */
function stage(
  name: string,
  kind: "sgd" | "adam",
  learner: Learner,
  before: (place: { step: number }) => void,
): Stage<Example> {
  const updater = new Optimizer(learner.trainable, { kind }, learner.decayed);
  return {
    name,
    epochs: EPOCHS,
    batches: BATCHES,
    batchSize: 8,
    optimizers: { main: updater },
    async *data(epoch, from) {
      for (let batch = from; batch < BATCHES; batch++) {
        const random = stream(SEED, `${name}/${epoch}/${batch}`);
        const x = Float32Array.from({ length: 32 }, random);
        const y = Int32Array.from({ length: 8 }, (_, n) => {
          const own = x.subarray(4 * n, 4 * n + 3);
          return own.indexOf(Math.max(...own));
        });
        yield await Promise.resolve({ x, y });
      }
    },
    learn({ x, y }, place) {
      before(place);
      const [input, labels] = [tf.tensor2d(x, [8, 4]), tf.tensor1d(y, "int32")];
      const rate = rateAt({ kind: "cosine", base: 0.1, total: EPOCHS * BATCHES }, place.step);
      const loss = step(
        { learners: [learner], updates: [{ optimizer: updater, rate }] },
        () => crossEntropy(learner.train({ x: input })["logits"]!, labels),
      );
      tf.dispose([input, labels]);
      return { loss };
    },
    validate: (epoch) => Promise.resolve({ epochs: epoch + 1 }),
  };
}

interface Ended {
  readonly rows: readonly unknown[];
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Runs two stages in a folder; throws what `before` throws. */
async function run(
  folder: string,
  before: (place: { stage: number; step: number }) => void,
  options: Partial<RunOptions> = {},
  identity: { readonly [key: string]: string } = { recipe: "tiny" },
): Promise<void> {
  const learner = network();
  try {
    using training = await TrainingRun.open(
      { folder, progress: "silent", logEvery: 2, saveEvery: 4, ...options },
      { net: learner },
      identity,
    );
    for (const [index, kind] of (["sgd", "adam"] as const).entries()) {
      if (training.nextIsDone) training.skip();
      else {
        await training.stage(
          stage(kind, kind, learner, ({ step }) => before({ stage: index, step })),
        );
      }
    }
  } finally {
    learner.dispose();
  }
}

async function ended(folder: string): Promise<Ended> {
  const rows = (await readMetrics(folder)).map(({ time: _, ...row }) => row);
  return { rows, tensors: (await loadCheckpoint(folder))!.tensors };
}

/** On the plain engine, without what stages say on standard error. */
async function quietly(test: () => Promise<void>): Promise<void> {
  const engine = await open("cpu");
  const say = console.error;
  console.error = () => {};
  try {
    await test();
  } finally {
    console.error = say;
    engine.close();
  }
}

/** One place per step of the run. */
const PLACES = [0, 1].flatMap((stage) =>
  Array.from({ length: EPOCHS * BATCHES }, (_, step) => ({ stage, step }))
);

/** The first step, within and at the end of a window of the log, beside a checkpoint, around the end of an epoch and of a stage. */
const STOPS = PLACES.filter(({ stage, step }) => (stage === 0 ? [0, 1, 3, 4, 5, 9] : [0, 7]).includes(step));

Deno.test("TrainingRun stopped by its signal goes on to the same metrics and the same weights", async () => {
  await quietly(async () => {
    await inFolder(async (root) => {
      await run(`${root}/whole`, () => {});
      const whole = await ended(`${root}/whole`);
      assertEquals(whole.rows.length, 2 * EPOCHS * 4); // steps 2, 4, 5 and one validation an epoch
      for (const place of STOPS) {
        const folder = `${root}/${place.stage}-${place.step}`;
        const abort = new AbortController();
        const stop = (now: { stage: number; step: number }): void => {
          if (now.stage === place.stage && now.step === place.step) abort.abort();
        };
        await assertRejects(() => run(folder, stop, { signal: abort.signal }), DOMException);
        await run(folder, () => {});
        assertEquals(await ended(folder), whole, `stopped at ${JSON.stringify(place)}`);
      }
    });
  });
});

Deno.test("TrainingRun that dies in any step goes on from its last checkpoint to the same metrics and weights", async () => {
  await quietly(async () => {
    await inFolder(async (root) => {
      await run(`${root}/whole`, () => {});
      const whole = await ended(`${root}/whole`);
      const folder = `${root}/dying`;
      // One life per step: each dies a step later than the one before.
      for (const place of PLACES) {
        await assertRejects(
          () =>
            run(folder, (now) => {
              if (now.stage === place.stage && now.step === place.step) throw new Error("the power is gone");
            }),
          Error,
          "the power is gone",
        );
      }
      await run(folder, () => {});
      assertEquals(await ended(folder), whole);
    });
  });
});

Deno.test("TrainingRun refuses to go on with other options or data", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      await run(folder, () => {});
      await assertRejects(
        () => run(folder, () => {}, {}, { recipe: "another" }),
        RangeError,
        "it was started with other options or data",
      );
    });
  });
});

Deno.test("TrainingRun has its folder alone, and gives it back when it is closed or cannot be opened", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      const learner = network();
      const openNow = (identity: string) => TrainingRun.open({ folder }, { net: learner }, { identity });
      {
        using _first = await openNow("a");
        await assertRejects(() => openNow("a"), RangeError, "another process trains in it");
      }
      await run(folder, () => {});
      await assertRejects(() => openNow("b"), RangeError, "Cannot resume");
      await run(folder, () => {});
      learner.dispose();
    });
  });
});

Deno.test("TrainingRun that has ended does nothing more", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      await run(folder, () => {});
      const first = await ended(folder);
      await run(folder, () => assert(false, "a step was taken"));
      assertEquals(await ended(folder), first);
    });
  });
});

Deno.test("TrainingRun leaves no tensor behind, neither in a step nor at its end", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      const start = memory().tensors;
      const counts: number[] = [];
      // Scalars of a window wait to be read: count where the window has just been.
      await run(folder, ({ step }) => step % BATCHES % 2 === 0 && counts.push(memory().tensors));
      assertEquals(memory().tensors, start);
      const [sgd, adam] = [counts.slice(0, counts.length / 2), counts.slice(counts.length / 2)];
      assertEquals(new Set(sgd).size, 1, `${sgd}`);
      assertEquals(new Set(adam).size, 1, `${adam}`);
    });
  });
});

Deno.test("TrainingRun stops at the first number that is not finite and says where it was", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      const learner = network();
      using training = await TrainingRun.open(
        { folder, progress: "silent", logEvery: 2 },
        { net: learner },
        {},
      );
      const sick = stage("sick", "sgd", learner, () => {});
      const failure = await assertRejects(
        () =>
          training.stage({
            ...sick,
            learn: (batch, place) => {
              const scalars = sick.learn(batch, place) as { loss: tf.Scalar };
              return place.step === 3 ? { ...scalars, reward: tf.scalar(NaN) } : scalars;
            },
          }),
        RangeError,
      );
      for (const part of ["reward", "sick", "3"]) assert(String(failure).includes(part), String(failure));
      learner.dispose();
    });
  });
});
