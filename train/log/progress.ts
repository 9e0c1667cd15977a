/**
 * Progress of one stage on standard error: rate, time left, and the share of time spent waiting for data.
 *
 * @module
 */
import process from "node:process";
import cliProgress from "cli-progress";

/** How progress is shown: a bar that is redrawn, a plain line now and then, or nothing. */
export type ProgressMode = "bar" | "lines" | "silent";

/** What progress is written to. */
export interface ProgressStream {
  /** Whether it is a terminal. */
  readonly isTTY?: boolean;
  /** Width of the terminal in letters. */
  readonly columns?: number;
  /** Writes text. */
  write(text: string): unknown;
}

/** Options of {@linkcode Progress}. */
export interface ProgressOptions {
  /** What is under way, such as `policy 3/15`. */
  readonly title: string;
  /** Units in all. */
  readonly total: number;
  /** Units that were done before, when resuming. @default 0 */
  readonly done?: number;
  /** What is counted. @default "images" */
  readonly unit?: string;
  /** How it is shown. @default "bar" on a terminal, else "lines" */
  readonly mode?: ProgressMode;
  /** Where it is written. @default standard error */
  readonly stream?: ProgressStream;
  /** Clock in milliseconds that never goes back. @default performance.now */
  readonly now?: () => number;
}

/**
 * Shows how far a loop has come.
 *
 * ```ts ignore
 * using progress = new Progress({ title: "policy 3/15", total: 45_000 });
 * for (let batch; (batch = await progress.waiting(loader.next()));) {
 *   progress.advance(batch.size, { loss, accuracy });
 * }
 * ```
 */
export class Progress implements Disposable {
  readonly #options: Required<Omit<ProgressOptions, "mode" | "done">>;
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #lines: boolean;
  readonly #start: number;
  readonly #window: Sample[];
  #done: number;
  #waitedMs = 0;
  #fields: Readonly<Record<string, number>> = {};
  #lastLine: number;
  #open = true;

  /** Starts the clock and shows the first state. */
  constructor(options: ProgressOptions) {
    const { stream = process.stderr, now = () => performance.now(), done = 0, unit = "images" } = options;
    const mode = options.mode ?? (stream.isTTY === true ? "bar" : "lines");
    this.#options = { title: options.title, total: options.total, unit, stream, now };
    this.#done = done;
    this.#start = now();
    this.#lastLine = this.#start;
    this.#window = [{ at: this.#start, done }];
    this.#lines = mode === "lines";
    if (mode === "bar") this.#bar = this.#startBar(stream);
  }

  /** Passes a promise on and counts the time until it settles as waiting for data. */
  async waiting<T>(promise: Promise<T>): Promise<T> {
    const from = this.#options.now();
    try {
      return await promise;
    } finally {
      this.#waitedMs += this.#options.now() - from;
    }
  }

  /** Counts units as done; `fields` are shown at the end, such as loss and accuracy. */
  advance(count: number, fields: Readonly<Record<string, number>> = this.#fields): void {
    const now = this.#options.now();
    this.#done += count;
    this.#fields = fields;
    this.#sample(now);
    this.#bar?.update(this.#done);
    if (this.#lines && now - this.#lastLine >= LINE_EVERY_MS) {
      this.#lastLine = now;
      this.#writeLine(now);
    }
  }

  /** Shows the last state and ends the line; does nothing the second time. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#bar?.stop();
    if (this.#lines) this.#writeLine(this.#options.now());
  }

  /** The state in words: `policy 3/15 42% 312 images/s, 2 min 10 s left, 3% waiting, loss 0.713`. */
  toString(): string {
    return this.#describe(this.#options.now());
  }

  #startBar(stream: ProgressStream): cliProgress.SingleBar {
    const bar = new cliProgress.SingleBar({
      stream: stream as NodeJS.WritableStream,
      format: (_options, { progress }) => this.#describe(this.#options.now(), drawBar(progress)),
      gracefulExit: false, // its handlers would swallow the first SIGINT
      fps: 5,
    });
    bar.start(this.#options.total, this.#done);
    return bar;
  }

  #sample(now: number): void {
    if (now - this.#window.at(-1)!.at < SAMPLE_EVERY_MS) return;
    this.#window.push({ at: now, done: this.#done });
    if (this.#window.length > MAX_SAMPLES) this.#window.shift();
  }

  #writeLine(now: number): void {
    this.#options.stream.write(this.#describe(now) + "\n");
  }

  #describe(now: number, bar = ""): string {
    const { title, total, unit } = this.#options;
    const first = this.#window[0]!;
    const seconds = (now - first.at) / 1000;
    const rate = seconds > 0 ? (this.#done - first.done) / seconds : 0;
    const elapsed = now - this.#start;
    const percent = total > 0 ? Math.floor(100 * Math.min(1, this.#done / total)) : 100;
    const time = this.#done < total
      ? `${rate > 0 ? formatDuration((total - this.#done) / rate) : "?"} left`
      : `${formatDuration(elapsed / 1000)} in all`;
    const waiting = elapsed > 0 ? Math.round(100 * this.#waitedMs / elapsed) : 0;
    const fields = Object.entries(this.#fields).map(([name, value]) => `${name} ${short(value)}`);
    const facts = [`${short(rate)} ${unit}/s`, time, `${waiting}% waiting`, ...fields].join(", ");
    return `${title} ${bar}${percent}% ${facts}`;
  }
}

/** Seconds in words: `8 s`, `2 min 05 s`, `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole / 60) % 60)} min`;
}

interface Sample {
  readonly at: number;
  readonly done: number;
}

const LINE_EVERY_MS = 10_000;
// The rate is that of the last 20 s: slow first steps and validation passes do not linger in it.
const SAMPLE_EVERY_MS = 500;
const MAX_SAMPLES = 40;
const BAR_LETTERS = 20;

function drawBar(share: number): string {
  const full = Math.round(BAR_LETTERS * share);
  return `${"█".repeat(full)}${"░".repeat(BAR_LETTERS - full)} `;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
