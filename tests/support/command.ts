/**
 * The command line in a process of its own.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert/mod.js";

/** How a command ended. */
export interface Ran {
  /** Exit code. */
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
}

/** What no command takes longer for; one that hangs is ended and fails its test. */
const MOST_MS = 300_000;

/** Runs a script of this checkout to its end. */
export async function runScript(script: string, ...args: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", script, ...args],
    cwd: new URL("../..", import.meta.url).pathname,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(MOST_MS),
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** Runs `saccade` to its end. */
export function saccade(...args: readonly string[]): Promise<Ran> {
  return runScript("scripts/saccade.ts", ...args);
}

/** That a command failed as it should: with this code, its last line is a message with these parts, no stack follows. */
export function assertFailed({ code, out, err }: Ran, wanted: number, ...parts: readonly string[]): void {
  assertEquals(code, wanted, err);
  assertEquals(out, "");
  const last = err.trimEnd().split("\n").at(-1)!;
  for (const part of parts) assertStringIncludes(last, part);
  assertReadable(err);
}

/** That what was printed is for people and for files: no stacks, no colours, no lines that are drawn again. */
export function assertReadable(err: string): void {
  assert(!/^\s+at .*[:(]/m.test(err), `a stack trace:\n${err}`);
  assert(!/Uncaught|error: /.test(err), `an uncaught error:\n${err}`);
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  assert(!/[\x00-\x09\x0b-\x1f\x7f]/.test(err), `control characters:\n${JSON.stringify(err)}`);
}
