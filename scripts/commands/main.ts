/**
 * Runs a command line and turns what happens into an exit code.
 *
 * @module
 */
import { type Command, CommanderError } from "commander";
import { EXIT, exitCodeOf } from "./command.ts";

/**
 * Runs a program on its arguments. With `--json` a failure is one document too: `{"error": …}`.
 *
 * @returns The exit code.
 */
export async function runMain(program: Command, args: readonly string[]): Promise<number> {
  for (const each of [program, ...program.commands]) each.exitOverride();
  try {
    await program.parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    const fail = (message: string): void => {
      if (args.includes("--json")) console.log(JSON.stringify({ error: message }));
    };
    if (error instanceof CommanderError) {
      // Commander has printed its own words; help is no failure.
      if (error.exitCode === 0) return EXIT.ok;
      fail(error.message);
      return EXIT.usage;
    }
    const message = error instanceof Error ? error.message : String(error);
    console.error(message);
    fail(message);
    if (Deno.env.get("SACCADE_TRACE") !== undefined && error instanceof Error) console.error(error.stack);
    return exitCodeOf(error);
  }
}
