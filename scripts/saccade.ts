/**
 * The command line of Saccade: `deno task saccade <command> --help`.
 *
 * @module
 */
import { Command } from "commander";
import { runMain } from "./commands/main.ts";
import { classifyCommand } from "./commands/classify.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { exportCommand } from "./commands/export.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { serveCommand } from "./commands/serve.ts";
import { trainCommand } from "./commands/train.ts";

/** The program with all its commands. */
export function program(): Command {
  const made = new Command("saccade")
    .description(
      "Decide which pixels to fetch before fetching them: train, evaluate, export, serve, classify.",
    )
    .configureHelp({ helpWidth: 110 })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 failed, 2 asked wrongly, 3 a part is missing on this machine (see saccade doctor),\n130 interrupted.",
    );
  const commands = [
    doctorCommand(),
    trainCommand(),
    evaluateCommand(),
    exportCommand(),
    inspectCommand(),
    serveCommand(),
    classifyCommand(),
  ];
  for (const each of commands) made.addCommand(each);
  return made;
}

if (import.meta.main) Deno.exit(await runMain(program(), Deno.args));
