/**
 * What a training run writes down: `metrics.jsonl`, a TensorBoard event file, `curves.svg` and `report.html`.
 *
 * @module
 */
import { writeAtomic } from "../files.ts";
import { AppendFile } from "./_append_file.ts";
import { renderCharts } from "./chart.ts";
import { curves } from "./curves.ts";
import { formatRow, type LogMoment, METRICS_FILE, readMetrics } from "./metrics.ts";
import { renderReport, type RunFacts } from "./report.ts";
import { encodeScalarEvent, encodeVersionEvent, frameRecord } from "./tensorboard.ts";

/** How far a log has been written; goes into the checkpoint. A `type`, so that it is plain JSON to the compiler. */
export type LogPosition = {
  /** Bytes of `metrics.jsonl`. */
  readonly metrics: number;
  /** Bytes of the event file. */
  readonly events: number;
};

/** The position of an empty log: resuming there starts over. */
export const LOG_START: LogPosition = { metrics: 0, events: 0 };

/** Options of {@linkcode RunLog.open}. */
export interface RunLogOptions {
  /** Position in the checkpoint that the run goes on from; what was logged after it is cut off. */
  readonly resumeAt?: LogPosition | undefined;
  /** Clock, milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/**
 * The log of one run folder; one process writes it.
 *
 * ```ts ignore
 * using log = await RunLog.open("runs/a", { resumeAt: checkpoint?.state.log });
 * log.scalars({ stage: "policy", step: 100, epoch: 0.3 }, { loss: 0.7, accuracy: 0.61 });
 * await log.flush();
 * await saveCheckpoint("runs/a", { tensors, state: { ...state, log: log.position() } });
 * await log.report({ title: "PatchDrop", options, seed: 1 });
 * ```
 */
export class RunLog implements Disposable {
  readonly #folder: string;
  readonly #metrics: AppendFile;
  readonly #events: AppendFile;
  readonly #now: () => number;

  private constructor(folder: string, metrics: AppendFile, events: AppendFile, now: () => number) {
    this.#folder = folder;
    this.#metrics = metrics;
    this.#events = events;
    this.#now = now;
  }

  /**
   * Opens the log of a run folder, creating what is missing.
   *
   * @throws {Deno.errors.AlreadyExists} If the folder holds a log and no position to resume at was given.
   * @throws {RangeError} If the files are shorter than the position, so that they are of another run.
   */
  static async open(
    folder: string,
    { resumeAt, now = Date.now }: RunLogOptions = {},
  ): Promise<RunLog> {
    await Deno.mkdir(folder, { recursive: true });
    const metricsPath = `${folder}/${METRICS_FILE}`;
    if (resumeAt === undefined && await sizeOf(metricsPath) > 0) {
      throw new Deno.errors.AlreadyExists(
        `Cannot start a log in "${folder}": it holds the log of a run, must be resumed or another folder`,
      );
    }
    const { metrics, events } = resumeAt ?? LOG_START;
    const metricsFile = AppendFile.open(metricsPath, { length: metrics, lastByte: NEWLINE });
    try {
      const eventsName = await findEvents(folder);
      const seconds = Math.floor(now() / 1000);
      const eventsFile = eventsName === undefined
        ? AppendFile.open(`${folder}/events.out.tfevents.${seconds}.saccade`, { length: 0 })
        : AppendFile.open(`${folder}/${eventsName}`, { length: events });
      try {
        metricsFile.cut(); // only now: a position that does not fit one file leaves both as they are
        eventsFile.cut();
        if (eventsFile.length === 0) eventsFile.append(frameRecord(encodeVersionEvent(now() / 1000)));
      } catch (error) {
        eventsFile.close();
        throw error;
      }
      return new RunLog(folder, metricsFile, eventsFile, now);
    } catch (error) {
      metricsFile.close();
      throw error;
    }
  }

  /**
   * Logs named numbers of one step, to both files at once; in TensorBoard they are `<stage>/<name>`.
   *
   * @throws {RangeError} If a value is not finite, or the step not an integer of at least 0.
   * @throws {TypeError} If a name is one of the row's own: `step`, `epoch`, `stage`, `time`.
   * @throws {DiskFullError} If the disk is full; no partial line stays behind.
   */
  scalars(moment: LogMoment, scalars: Readonly<Record<string, number>>): void {
    const { stage, step, epoch } = moment;
    if (!Number.isSafeInteger(step) || step < 0 || !(epoch >= 0 && epoch < Infinity)) {
      throw new RangeError(
        `Cannot log step ${step} of epoch ${epoch}: must be an integer and a number from 0`,
      );
    }
    for (const [name, value] of Object.entries(scalars)) {
      if (RESERVED.has(name)) {
        throw new TypeError(`Cannot log "${name}": the name is the row's own, must be another`);
      }
      if (!Number.isFinite(value)) {
        throw new RangeError(
          `Cannot log "${name}" in stage "${stage}" at step ${step}: value is ${value}, must be finite`,
        );
      }
    }
    const time = Math.round(this.#now()) / 1000;
    const tagged = Object.fromEntries(Object.entries(scalars).map(([name, v]) => [`${stage}/${name}`, v]));
    this.#metrics.append(new TextEncoder().encode(formatRow({ stage, step, epoch, time, scalars })));
    this.#events.append(frameRecord(encodeScalarEvent({ time, step, scalars: tagged })));
  }

  /** Where the log is now; flush before it goes into a checkpoint. */
  position(): LogPosition {
    return { metrics: this.#metrics.length, events: this.#events.length };
  }

  /** Returns after everything logged is on the disk. */
  async flush(): Promise<void> {
    await Promise.all([this.#metrics.sync(), this.#events.sync()]);
  }

  /** Writes `curves.svg` and `report.html` from what has been logged. */
  async report(facts: RunFacts): Promise<void> {
    await this.flush();
    await writeReport(this.#folder, facts);
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#metrics.close();
    this.#events.close();
  }
}

/** Writes `curves.svg` and `report.html` of a run folder, also of a run that ended long ago. */
export async function writeReport(folder: string, facts: RunFacts): Promise<void> {
  const rows = await readMetrics(folder);
  await writeAtomic(`${folder}/curves.svg`, renderCharts(curves(rows)));
  await writeAtomic(`${folder}/report.html`, renderReport(facts, rows));
}

const NEWLINE = 10;
const RESERVED = new Set(["step", "epoch", "stage", "time"]);

async function findEvents(folder: string): Promise<string | undefined> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (/^events\.out\.tfevents\.\d+\.saccade$/.test(name)) names.push(name);
  }
  return names.sort()[0];
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
