/**
 * One measurement of one engine for `train_bench.ts`, in a process of its own; `_torch_peer.py` is its counterpart.
 *
 * Takes one argument, a JSON {@linkcode Probe}; prints one JSON {@linkcode Measured}, or `{ missing }` where the engine does not
 * run. The engines that only show that they work (`cpu`, a GPU imitated by the processor) get a tiny batch and few steps.
 *
 * @module
 */
import { modelOf } from "../models/mod.ts";
import { compiled } from "../train/engine/compiled.ts";
import { Learner } from "../train/engine/learner.ts";
import { type Engine, type EngineName, EngineUnavailable, open, tf } from "../train/engine/mod.ts";
import { Optimizer } from "../train/engine/optimizer.ts";
import { crossEntropy, step } from "../train/engine/step.ts";
import { median } from "./_results.ts";

/** What to measure. */
export interface Probe {
  /** An engine, or a name of the peer. */
  readonly engine: string;
  /** A name of `MODELS`. */
  readonly network: string;
  /** Pictures per step. */
  readonly batch: number;
  /** Pictures per step on the slow engines. */
  readonly tinyBatch: number;
  /** Side of the pictures in pixels. */
  readonly side: number;
  /** Steps before the clock starts. */
  readonly warmup: number;
  /** How long each of the two measurements lasts, unless three steps take longer. */
  readonly seconds: number;
  /** Threads an operation may use. */
  readonly threads: number;
}

/** One kind of step. */
export interface Timing {
  /** Median over the steps. */
  readonly stepMs: number;
  /** How many were measured. */
  readonly steps: number;
}

/** What was measured. */
export interface Measured {
  /** Pictures per step. */
  readonly batch: number;
  /** Forward in training mode, backward, momentum SGD, reading the loss. */
  readonly train: Timing;
  /** Forward with running statistics, and waiting for it. */
  readonly forward: Timing;
  /** Of the first and the last training step. */
  readonly losses: readonly [number, number];
  /** Values learned by gradient: both sides must have as many. */
  readonly parameters: number;
  /** Libraries. */
  readonly version: string;
  /** That took part. */
  readonly threads: number;
  /** Largest resident size of the process; 0 where the system does not tell. */
  readonly peakMemoryMiB: number;
}

async function measured(
  body: () => Promise<void>,
  warmup: number,
  least: number,
  seconds: number,
): Promise<Timing> {
  for (let k = 0; k < warmup; k++) await body();
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (times.length < least || performance.now() < end) {
    const start = performance.now();
    await body();
    times.push(performance.now() - start);
  }
  return { stepMs: median(times), steps: times.length };
}

/** Largest resident size so far, as Linux counts it. */
async function peakMemoryMiB(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status").catch(() => "");
  return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
}

async function measure(engine: Engine, probe: Probe): Promise<Measured> {
  const tiny = engine.name === "cpu" || engine.software;
  const batch = tiny ? probe.tinyBatch : probe.batch;
  const [warmup, least, seconds] = tiny ? [0, 1, 0] : [probe.warmup, 3, probe.seconds];
  const learner = Learner.fresh(modelOf(probe.network).build(), 1);
  const optimizer = new Optimizer(learner.trainable, { kind: "sgd", momentum: 0.9 }, learner.decayed);
  const x = tf.randomNormal([batch, probe.side, probe.side, 3], 0, 1, "float32", 1);
  const labels = tf.tensor1d(Array.from({ length: batch }, (_, k) => k % 10), "int32");
  const input = learner.graph.inputs[0]!.id;
  const losses: number[] = [];
  const parts = { steady: true, learners: [learner], updates: [{ optimizer, rate: 0.01 }] };
  const train = await measured(
    async () => {
      const loss = step(
        parts,
        () => crossEntropy(learner.train({ [input]: x }, losses.length)["logits"]!, labels),
      );
      losses.push((await loss.data())[0]!);
      loss.dispose();
    },
    warmup,
    least,
    seconds,
  );
  const forward = await measured(
    async () => {
      const sum = compiled(() => tf.tidy(() => tf.sum(learner.predict({ [input]: x })["logits"]!)));
      await sum.data();
      sum.dispose();
    },
    warmup,
    least,
    seconds,
  );
  return {
    batch,
    train,
    forward,
    losses: [losses[0]!, losses.at(-1)!],
    parameters: [...learner.trainable.values()].reduce((total, { size }) => total + size, 0),
    version: engine.version,
    threads: engine.name === "wasm" || engine.name === "cpu" ? 1 : probe.threads,
    peakMemoryMiB: await peakMemoryMiB(),
  };
}

if (import.meta.main) {
  const probe = JSON.parse(Deno.args[0]!) as Probe;
  let answer: Measured | { readonly missing: string };
  try {
    answer = await measure(await open(probe.engine as EngineName, { threads: probe.threads }), probe);
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    answer = { missing: error.reason };
  }
  console.log(JSON.stringify(answer));
  // Native libraries leave threads behind.
  Deno.exit(0);
}
