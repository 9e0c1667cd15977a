/**
 * A training run: networks that live through all of its stages, one checkpoint, one log. Killed at any moment, it goes on
 * from its last checkpoint and ends with the same numbers.
 *
 * @module
 */
import { stream } from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { type Json, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import type { Learner } from "./engine/learner.ts";
import type { Optimizer } from "./engine/optimizer.ts";
import type { tf } from "./engine/tf.ts";
import {
  assertAllFinite,
  assertFinite,
  LOG_START,
  type LogPosition,
  Progress,
  type ProgressMode,
  RunLog,
} from "./log/mod.ts";

/** Numbers of one batch, still on the device; the run reads and frees them. */
export type Scalars = Readonly<Record<string, tf.Scalar>>;

/** One batch as a stage sees it: only its place, so that everything random follows from it. */
export interface Place {
  /** Name of the stage. */
  readonly stage: string;
  /** From 0. */
  readonly epoch: number;
  /** Within the epoch, from 0. */
  readonly batch: number;
  /** Within the stage, from 0. */
  readonly step: number;
}

/** Seed of the dropout masks at a place, so that every step draws its own and a resumed run draws the same. */
export function dropoutSeed(seed: number, { stage, step }: Place): number {
  return Math.floor(stream(seed, `dropout/${stage}/${step}`)() * 2 ** 31);
}

/** A stage of a run. */
export interface Stage<B> {
  /** Unique within the run; part of logs and of random streams. */
  readonly name: string;
  /** Passes over the data. */
  readonly epochs: number;
  /** Batches per epoch. */
  readonly batches: number;
  /** Pictures per batch, for the progress bar. */
  readonly batchSize: number;
  /** Optimisers whose state is part of checkpoints, by name. Made when the stage starts. */
  readonly optimizers: Readonly<Record<string, Optimizer>>;
  /** Batches of an epoch from a batch on. */
  data(epoch: number, from: number): AsyncIterable<B>;
  /** Learns from one batch. */
  learn(batch: B, place: Place): Promise<Scalars> | Scalars;
  /** Measures on validation data after an epoch. */
  validate?(epoch: number): Promise<Readonly<Record<string, number>>>;
}

/** How a run is kept. */
export interface RunOptions {
  /** Its folder. */
  readonly folder: string;
  /** Go on from the checkpoint in the folder if there is one. @default true */
  readonly resume?: boolean;
  /** Steps between two lines of the log, at least 1. @default 50 */
  readonly logEvery?: number;
  /** Steps between two checkpoints within an epoch, at least 1; there is one after every epoch too. @default 200 */
  readonly saveEvery?: number;
  /** How progress is shown. */
  readonly progress?: ProgressMode;
  /** Ends the run cleanly after the batch in hand, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** Numbers of the steps since the last line of the log, summed. A `type`, so that it is plain JSON to the compiler. */
type Window = {
  readonly steps: number;
  readonly sums: { readonly [name: string]: number };
};

const EMPTY: Window = { steps: 0, sums: {} };

/** A step whose numbers have not been read yet. */
interface Seen {
  readonly place: Place;
  readonly scalars: Scalars;
}

/** Where an epoch begins, and the numbers of the line of the log that was begun. */
interface Start {
  readonly batch: number;
  readonly window: Window;
}

interface Position {
  readonly stage: number;
  readonly epoch: number;
  readonly batch: number;
  /** When it is between two lines of the log. */
  readonly window?: Window;
}

/** A run in progress. */
export class TrainingRun implements Disposable {
  readonly #options: RunOptions;
  readonly #learners: Readonly<Record<string, Learner>>;
  readonly #log: RunLog;
  readonly #saved: ReadonlyMap<string, Tensor>;
  #position: Position;
  #stage = -1;

  private constructor(
    options: RunOptions,
    learners: Readonly<Record<string, Learner>>,
    log: RunLog,
    position: Position,
    saved: ReadonlyMap<string, Tensor>,
  ) {
    this.#options = options;
    this.#learners = learners;
    this.#log = log;
    this.#position = position;
    this.#saved = saved;
  }

  /**
   * Starts a run, or goes on with the one in the folder.
   *
   * @param options How it is kept.
   * @param learners All networks of the run by name; they take up the weights of the checkpoint.
   * @param identity What must be the same to go on: resolved options, hash of the data.
   * @throws {RangeError} If the checkpoint is of a run with another identity, another process has the folder open, or
   *   an interval is not one.
   */
  static async open(
    options: RunOptions,
    learners: Readonly<Record<string, Learner>>,
    identity: { readonly [key: string]: Json },
  ): Promise<TrainingRun> {
    for (const name of ["logEvery", "saveEvery"] as const) {
      const steps = options[name] ?? 1;
      if (!Number.isInteger(steps) || steps < 1) {
        throw new RangeError(
          `Cannot open run "${options.folder}": ${name} is ${steps}, must be an integer of 1 or more`,
        );
      }
    }
    await Deno.mkdir(options.folder, { recursive: true });
    const lock = await Deno.open(`${options.folder}/lock`, { create: true, write: true });
    if (!await lock.tryLock(true)) {
      lock.close();
      throw new RangeError(
        `Cannot open run "${options.folder}": another process trains in it, there must be one`,
      );
    }
    try {
      return await TrainingRun.#locked(options, learners, identity, lock);
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  static async #locked(
    options: RunOptions,
    learners: Readonly<Record<string, Learner>>,
    identity: { readonly [key: string]: Json },
    lock: Deno.FsFile,
  ): Promise<TrainingRun> {
    const checkpoint = options.resume === false ? undefined : await loadCheckpoint(options.folder);
    const other = checkpoint === undefined ? [] : differing(checkpoint.state["identity"], identity);
    if (other.length > 0) {
      throw new RangeError(
        `Cannot resume "${options.folder}": it was started with other options or data (${
          other.join(", ")
        }), ` +
          `must be the same or another folder`,
      );
    }
    const position = checkpoint?.state["position"] as Position | undefined ??
      { stage: 0, epoch: 0, batch: 0 };
    const at = checkpoint?.state["log"] as LogPosition | undefined;
    const log = await RunLog.open(options.folder, { resumeAt: at ?? LOG_START });
    const run = new TrainingRun(options, learners, log, position, checkpoint?.tensors ?? new Map());
    run.#identity = identity;
    run.#lock = lock;
    if (checkpoint !== undefined) {
      for (const [name, learner] of Object.entries(learners)) learner.load(run.#taken(`weights/${name}/`));
    }
    return run;
  }

  #identity: { readonly [key: string]: Json } = {};
  /** Held while the run is open; the system gives it back when the process dies. */
  #lock: Deno.FsFile | undefined;

  #taken(prefix: string): Map<string, Tensor> {
    return new Map(
      [...this.#saved].filter(([name]) => name.startsWith(prefix)).map((
        [name, x],
      ) => [name.slice(prefix.length), x]),
    );
  }

  /** The log, for facts that belong to no stage. */
  get log(): RunLog {
    return this.#log;
  }

  /** Whether the next stage was finished before the run was resumed, so that its optimisers and data need not be made. */
  get nextIsDone(): boolean {
    return this.#stage + 1 < this.#position.stage;
  }

  /** Passes over a stage that was finished before. */
  skip(): void {
    this.#stage += 1;
  }

  /**
   * Runs a stage to its end, or from where the run was interrupted. Its optimisers are disposed of, also when it fails.
   *
   * @throws {RangeError} If a number is not finite: names stage, epoch, batch and step. A checkpoint never holds one.
   * @throws {DOMException} `AbortError` when the signal fired; everything up to then is saved.
   */
  async stage<B>(stage: Stage<B>): Promise<void> {
    this.#stage += 1;
    const resumed = this.#stage === this.#position.stage ? this.#position : undefined;
    try {
      if (resumed !== undefined && resumed.epoch + resumed.batch > 0) {
        for (const [name, optimizer] of Object.entries(stage.optimizers)) {
          optimizer.load(this.#taken(`optimizer/${name}/`));
        }
      }
      let start: Start = { batch: resumed?.batch ?? 0, window: resumed?.window ?? EMPTY };
      for (let epoch = resumed?.epoch ?? 0; epoch < stage.epochs; epoch++) {
        await this.#epoch(stage, epoch, start);
        start = { batch: 0, window: EMPTY };
        if (stage.validate !== undefined) {
          const scalars = await stage.validate(epoch);
          const step = (epoch + 1) * stage.batches;
          this.#log.scalars({ stage: `${stage.name}/validation`, step, epoch: epoch + 1 }, scalars);
          const text = Object.entries(scalars).map(([name, value]) =>
            `${name} ${Number(value.toPrecision(4))}`
          );
          console.error(`${stage.name} ${epoch + 1}/${stage.epochs} validation: ${text.join(", ")}`);
        }
        const over = epoch + 1 === stage.epochs;
        await this.#save(
          over
            ? { stage: this.#stage + 1, epoch: 0, batch: 0 }
            : { stage: this.#stage, epoch: epoch + 1, batch: 0 },
          { stage, last: placeOf(stage, epoch, stage.batches - 1), over },
        );
      }
    } finally {
      for (const optimizer of Object.values(stage.optimizers)) optimizer.dispose();
    }
  }

  /** The batches of an epoch from a place on. */
  async #epoch<B>(stage: Stage<B>, epoch: number, { batch: from, window: begun }: Start): Promise<void> {
    const { logEvery = 50, saveEvery = 200, progress: mode, signal } = this.#options;
    using progress = new Progress({
      title: `${stage.name} ${epoch + 1}/${stage.epochs}`,
      total: stage.batches * stage.batchSize,
      done: from * stage.batchSize,
      ...(mode === undefined ? {} : { mode }),
    });
    const unread: Seen[] = [];
    let before = begun;
    let shown: Readonly<Record<string, number>> = {};
    const batches = stage.data(epoch, from)[Symbol.asyncIterator]();
    try {
      for (let batch = from; batch < stage.batches; batch++) {
        // Native kernels answer at once, so that nothing else would ever let signals and timers in.
        await new Promise((resolve) => setTimeout(resolve, 0));
        const next = await progress.waiting(batches.next());
        if (next.done === true) throw new RangeError(`Cannot train: "${stage.name}" has no batch ${batch}`);
        const place = placeOf(stage, epoch, batch);
        unread.push({ place, scalars: await stage.learn(next.value, place) });
        const last = batch + 1 === stage.batches;
        const due = last || (batch + 1) % logEvery === 0;
        const saved = signal?.aborted === true || (!last && (batch + 1) % saveEvery === 0);
        // Numbers are looked at before a checkpoint is taken: one that is not finite must not get into it.
        if (due || saved) before = await sum(unread.splice(0), before);
        if (due) {
          shown = this.#line(place, stage, before);
          before = EMPTY;
        }
        progress.advance(stage.batchSize, shown);
        if (saved) {
          const position = { stage: this.#stage, epoch, batch: batch + 1, window: before };
          await this.#save(position, { stage, last: place, over: false });
          signal?.throwIfAborted();
        }
      }
    } finally {
      for (const { scalars } of unread) free(scalars);
      await batches.return?.();
    }
  }

  /** Logs the means of a window. */
  #line<B>(place: Place, stage: Stage<B>, { steps, sums }: Window): Record<string, number> {
    const means = Object.fromEntries(Object.entries(sums).map(([name, total]) => [name, total / steps]));
    const epoch = place.epoch + (place.batch + 1) / stage.batches;
    this.#log.scalars({ stage: stage.name, step: place.step + 1, epoch }, means);
    return means;
  }

  /** Takes a checkpoint, without the optimisers of a stage that is over. */
  async #save<B>(
    position: Position,
    { stage, last, over }: { readonly stage: Stage<B>; readonly last: Place; readonly over: boolean },
  ): Promise<void> {
    const tensors = new Map<string, Tensor>();
    for (const [name, learner] of Object.entries(this.#learners)) {
      for (const [id, value] of await learner.weights()) tensors.set(`weights/${name}/${id}`, value);
    }
    for (const [name, optimizer] of over ? [] : Object.entries(stage.optimizers)) {
      for (const [id, value] of await optimizer.state()) tensors.set(`optimizer/${name}/${id}`, value);
    }
    // The step that broke them may itself have had a finite loss.
    for (const [name, { data }] of tensors) assertAllFinite(name, data, last);
    await this.#log.flush();
    const state = { identity: this.#identity, position: { ...position }, log: this.#log.position() };
    await saveCheckpoint(this.#options.folder, { tensors, state });
  }

  /** Closes the log. */
  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
    this.#lock?.close();
  }
}

/** Keys that do not have the same value in both. */
function differing(started: Json | undefined, now: { readonly [key: string]: Json }): string[] {
  const before = (started ?? {}) as { readonly [key: string]: Json };
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]));
}

function placeOf<B>(stage: Stage<B>, epoch: number, batch: number): Place {
  return { stage: stage.name, epoch, batch, step: epoch * stage.batches + batch };
}

function free(scalars: Scalars): void {
  for (const scalar of Object.values(scalars)) scalar.dispose();
}

/** Reads numbers from the device, frees them, checks them and adds them to those before. */
async function sum(steps: readonly Seen[], before: Window): Promise<Window> {
  const sums: Record<string, number> = { ...before.sums };
  const named = steps.flatMap(({ place, scalars }) =>
    Object.entries(scalars).map(([name, scalar]) => ({ place, name, scalar }))
  );
  try {
    // All at once: on a GPU every read is a wait of its own.
    const values = await Promise.all(named.map(({ scalar }) => scalar.data()));
    for (const [i, { place, name }] of named.entries()) {
      sums[name] = (sums[name] ?? 0) + assertFinite(name, values[i]![0]!, place);
    }
  } finally {
    for (const { scalars } of steps) free(scalars);
  }
  return { steps: before.steps + steps.length, sums };
}
