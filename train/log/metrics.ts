/**
 * `metrics.jsonl`: one JSON object per line, one line per logged step.
 *
 * @module
 */

/** When in a run scalars were logged. */
export interface LogMoment {
  /** Stage of the run, such as `policy`. */
  readonly stage: string;
  /** Optimiser step; an integer of at least 0. */
  readonly step: number;
  /** Passes over the training data so far; may be a fraction. */
  readonly epoch: number;
}

/** One line of the file. */
export interface MetricsRow extends LogMoment {
  /** Seconds since 1970. */
  readonly time: number;
  /** Everything else of the line. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** Name of the file in a run folder. */
export const METRICS_FILE = "metrics.jsonl";

/** A row as a line with its newline: `{"step","epoch","stage","time", ...scalars}`. */
export function formatRow({ stage, step, epoch, time, scalars }: MetricsRow): string {
  return JSON.stringify({ step, epoch, stage, time, ...scalars }) + "\n";
}

/**
 * Reads the rows of a run, also of one that is being written: a last line without its newline is left out.
 *
 * @throws {SyntaxError} If a line is not a row: names file and line.
 */
export async function readMetrics(folder: string): Promise<MetricsRow[]> {
  const path = `${folder}/${METRICS_FILE}`;
  const lines = (await Deno.readTextFile(path)).split("\n").slice(0, -1);
  return lines.map((line, index) => parseRow(line, `${path}:${index + 1}`));
}

function parseRow(line: string, where: string): MetricsRow {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${where}: not JSON, must be a row of metrics`, { cause: error });
  }
  const { step, epoch, stage, time, ...scalars } = (parsed ?? {}) as Record<string, unknown>;
  if (typeof stage !== "string" || ![step, epoch, time, ...Object.values(scalars)].every(Number.isFinite)) {
    throw new SyntaxError(`Cannot read ${where}: must have "stage" and numbers "step", "epoch", "time"`);
  }
  return {
    stage,
    step: step as number,
    epoch: epoch as number,
    time: time as number,
    scalars: scalars as Record<string, number>,
  };
}
