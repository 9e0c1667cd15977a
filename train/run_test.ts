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

/** What a step may break: the loss that is reported, or a weight while the loss is still a number. */
type Broken = "loss" | "weights" | void;

/** Learns which of three numbers is the largest. */
function stage(
  name: string,
  kind: "sgd" | "adam",
  learner: Learner,
  before: (place: { step: number }) => Broken,
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
      const broken = before(place);
      const [input, labels] = [tf.tensor2d(x, [8, 4]), tf.tensor1d(y, "int32")];
      const rate = rateAt({ kind: "cosine", base: 0.1, total: EPOCHS * BATCHES }, place.step);
      const loss = step(
        { learners: [learner], updates: [{ optimizer: updater, rate }] },
        () => crossEntropy(learner.train({ x: input })["logits"]!, labels),
      );
      tf.dispose([input, labels]);
      if (broken === "weights") tf.tidy(() => learner.trainable.get("out.bias")!.assign(tf.fill([3], NaN)));
      if (broken !== "loss") return { loss };
      loss.dispose();
      return { loss: tf.scalar(NaN) };
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
  before: (place: { stage: number; step: number }) => Broken,
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
      await run(folder, ({ step }) => {
        if (step % BATCHES % 2 === 0) counts.push(memory().tensors);
      });
      assertEquals(memory().tensors, start);
      const [sgd, adam] = [counts.slice(0, counts.length / 2), counts.slice(counts.length / 2)];
      assertEquals(new Set(sgd).size, 1, `${sgd}`);
      assertEquals(new Set(adam).size, 1, `${adam}`);
    });
  });
});

/** Whether a run that is broken in a step says so, keeps whole checkpoints only, leaks nothing and goes on as if nothing had been. */
async function breaks(
  broken: "loss" | "weights",
  places: readonly { readonly stage: number; readonly step: number }[],
  options: Partial<RunOptions>,
): Promise<void> {
  await quietly(async () => {
    await inFolder(async (root) => {
      await run(`${root}/whole`, () => {}, options);
      const whole = await ended(`${root}/whole`);
      for (const place of places) {
        const folder = `${root}/${place.stage}-${place.step}`;
        const before = memory().tensors;
        const failure = await assertRejects(
          () =>
            run(folder, ({ stage, step }) => {
              if (stage === place.stage && step === place.step) return broken;
            }, options),
          RangeError,
        );
        assertEquals(memory().tensors, before, "tensors are left behind");
        // Weights that are none are found when they are used or when they are to be saved, whichever is first.
        const [, name, ...numbers] = /in stage "(\w+)" at step (\d+), epoch (\d+), batch (\d+)/.exec(
          failure.message,
        ) ?? [];
        const [step, epoch, batch] = numbers.map(Number);
        assertEquals(name, ["sgd", "adam"][place.stage]);
        assertEquals(step, BATCHES * epoch! + batch!, failure.message);
        if (broken === "loss") assertEquals(step, place.step);
        else assert(step === place.step || step === place.step + 1, failure.message);
        const saved = await loadCheckpoint(folder);
        for (const [id, { data }] of saved?.tensors ?? []) assert(data.every(Number.isFinite), id);
        await run(folder, () => {}, options);
        assertEquals(await ended(folder), whole, `${broken} broken at ${JSON.stringify(place)}`);
      }
    });
  });
}

/** Just before checkpoints within an epoch, at the end of an epoch and of a stage. */
const AWKWARD = PLACES.filter(({ stage, step }) => (stage === 0 ? [2, 3, 4, 9] : [3]).includes(step));

const every = (logEvery: number, saveEvery: number): string =>
  `a line every ${logEvery}, a checkpoint every ${saveEvery} steps`;

for (const [logEvery, saveEvery] of [[2, 4], [50, 1]] as const) {
  Deno.test(`TrainingRun whose loss is NaN names the step and saves nothing of it, ${every(logEvery, saveEvery)}`, () =>
    breaks("loss", AWKWARD, { logEvery, saveEvery }));
}

for (const [logEvery, saveEvery] of [[2, 4], [3, 2]] as const) {
  Deno.test(`TrainingRun whose weights are NaN and whose loss is not saves nothing of it, ${every(logEvery, saveEvery)}`, () =>
    breaks("weights", AWKWARD, { logEvery, saveEvery }));
}

Deno.test("TrainingRun takes checkpoints between two lines of the log and loses no number of the line", async () => {
  await quietly(async () => {
    await inFolder(async (root) => {
      const options = { logEvery: 3, saveEvery: 2 };
      await run(`${root}/whole`, () => {}, options);
      const whole = await ended(`${root}/whole`);
      for (const place of PLACES) {
        await assertRejects(
          () =>
            run(`${root}/dying`, (now) => {
              if (now.stage === place.stage && now.step === place.step) throw new Error("the power is gone");
            }, options),
          Error,
          "the power is gone",
        );
      }
      await run(`${root}/dying`, () => {}, options);
      assertEquals(await ended(`${root}/dying`), whole);
    });
  });
});

Deno.test("TrainingRun says which array of a checkpoint would not be finite", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      const at = ({ step }: { step: number }): Broken => {
        if (step === 3) return "weights";
      };
      await assertRejects(
        () => run(folder, at),
        RangeError,
        'Cannot save checkpoint: value 0 of "weights/net/out.bias" is NaN after the update in stage "sgd" at step 3,',
      );
    });
  });
});

Deno.test("TrainingRun gives back what a stage that failed held, its data too", async () => {
  await quietly(async () => {
    await inFolder(async (folder) => {
      const learner = network();
      const before = memory().tensors;
      using training = await TrainingRun.open({ folder, progress: "silent" }, { net: learner }, {});
      const failing = stage("failing", "adam", learner, ({ step }) => {
        if (step === 3) throw new Error("the power is gone");
      });
      let closed = false;
      await assertRejects(
        () =>
          training.stage({
            ...failing,
            async *data(epoch, from) {
              try {
                yield* failing.data(epoch, from);
              } finally {
                closed = true;
              }
            },
          }),
        Error,
        "the power is gone",
      );
      assert(closed, "the data of the epoch is still open");
      assertEquals(memory().tensors, before);
      learner.dispose();
    });
  });
});

Deno.test("TrainingRun.open() refuses intervals that are none", async () => {
  await inFolder(async (folder) => {
    for (const [name, value] of [["logEvery", 0], ["saveEvery", 1.5], ["logEvery", NaN]] as const) {
      await assertRejects(
        () => TrainingRun.open({ folder, [name]: value }, {}, {}),
        RangeError,
        `${name} is ${value}, must be an integer of 1 or more`,
      );
    }
  });
});
