/**
 * `saccade doctor`: which engines and runtimes work on this machine.
 *
 * @module
 */
import type { Command } from "commander";
import { command, type CommonOptions, type Outcome, perform } from "./command.ts";

/** The command. */
export function doctorCommand(): Command {
  return command(
    "doctor",
    "List the engines (training) and runtimes (serving) that work on this machine, and why the rest does not.",
    ["saccade doctor", "saccade doctor --json"],
  ).action((options: CommonOptions) => perform(options, work));
}

async function work(): Promise<Outcome> {
  const { doctor, table } = await import("../doctor.ts");
  const report = await doctor({ print: () => {} });
  return { json: report, text: table(report) };
}
