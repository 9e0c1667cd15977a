/**
 * What all commands share: one document on standard output, everything else on standard error, exit codes with a meaning.
 *
 * @module
 */
import { Command, InvalidArgumentError } from "commander";

/**
 * Exit codes: done, failed, asked wrongly, something that must be installed or downloaded first is not there, interrupted by a
 * signal (as shells count it).
 */
export const EXIT = { ok: 0, failure: 1, usage: 2, missing: 3, interrupted: 130 } as const;

/** The command was asked wrongly; exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A part the command needs is not on this machine; exit code 3. */
export class MissingError extends Error {
  override readonly name = "MissingError";
}

/** A signal ended the work, and what was done is kept; exit code 130. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** What a command came to. */
export interface Outcome {
  /** The document of `--json`. */
  readonly json: unknown;
  /** What people read, without a final line break. */
  readonly text: string;
}

/** Options every command has. */
export interface CommonOptions {
  /** One JSON document instead of text. */
  readonly json?: boolean;
}

/** A command with the options all of them have, and examples below its help. */
export function command(name: string, summary: string, examples: readonly string[] = []): Command {
  const made = new Command(name).description(summary)
    .option("--json", "print one JSON document on standard output; progress and logs go to standard error")
    .showHelpAfterError("(add --help for what it takes)")
    .configureHelp({ helpWidth: 110 });
  if (examples.length > 0) {
    made.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
  }
  return made;
}

/** Does the work of a command and prints what it came to. Failures are thrown on for {@link main} to report. */
export async function perform(
  { json = false }: CommonOptions,
  work: () => Promise<Outcome>,
): Promise<void> {
  // Libraries that greet on standard output would break the document.
  const [log, info] = [console.log, console.info];
  console.log = console.info = console.error;
  let outcome: Outcome;
  try {
    outcome = await work();
  } finally {
    [console.log, console.info] = [log, info];
  }
  const text = json ? JSON.stringify(outcome.json) : outcome.text;
  await writeAll(new TextEncoder().encode(`${text}\n`));
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await Deno.stdout.write(bytes.subarray(done));
}

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof MissingError) return EXIT.missing;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return EXIT.failure;
}

/** Parses an option that is an integer of at least `least`. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`must be an integer of ${least} or more`);
    }
    return value;
  };
}

/** Parses an option that is one of a few words. */
export function oneOf<W extends string>(...words: readonly W[]): (text: string) => W {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`must be ${words.join(", ")}`);
    return found;
  };
}

/** Parses an option that is a probability above 0. */
export function probability(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError("must be a number above 0, at most 1");
  return value;
}

/** Rows of cells as aligned columns; numbers to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.length));
  return rows.map((row) =>
    row.map((cell, i) =>
      /^[-+]?[\d.,]+( [%kMGB]+)?$/.test(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)
    )
      .join("  ").trimEnd()
  ).join("\n");
}

/** A share as text. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** A number of bytes, multiply-accumulates or parameters as text. */
export function compact(value: number): string {
  const [unit, scale] = value >= 1e9
    ? ["G", 1e9]
    : value >= 1e6
    ? ["M", 1e6]
    : value >= 1e4
    ? ["k", 1e3]
    : ["", 1];
  return unit === "" ? String(Math.round(value * 10) / 10) : `${(value / Number(scale)).toFixed(2)} ${unit}`;
}
