/**
 * `saccade serve`: prints the address as the first line, then serves until it is told to stop.
 *
 * The first line of standard output is the address, printed when the models are warm; with `json` it is
 * `{"url": …, "runtime": …}`. Everything else goes to standard error.
 *
 * @module
 */
import { type ServeOptions, type ServerLog, shutdownOnSignals, startServer } from "../serve/adapters/deno.ts";

/** What the command takes. */
export interface ServeCommand extends Omit<ServeOptions, "log"> {
  /** One JSON document instead of a plain address, and log lines as JSON. */
  readonly json?: boolean;
  /** Log requests that went well too. */
  readonly verbose?: boolean;
}

/** Name of the variable secrets are read from when no flag gives them. */
export const KEYS_VARIABLE = "SACCADE_KEYS";

/** Serves until SIGINT or SIGTERM. */
export async function serve(command: ServeCommand): Promise<void> {
  const { json = false, verbose = false, ...options } = command;
  const keys = options.keys ?? Deno.env.get(KEYS_VARIABLE);
  const server = await startServer({
    ...options,
    ...(keys === undefined ? {} : { keys }),
    log: (entry) => {
      if (entry.kind === "request" && entry.status < 500 && !verbose) return;
      console.error(json ? JSON.stringify(plain(entry)) : lineOf(entry));
    },
  });
  const forget = shutdownOnSignals(server);
  console.log(json ? JSON.stringify({ url: server.url, runtime: options.runtime ?? "web" }) : server.url);
  await server.finished;
  await server.shutdown();
  forget();
}

/** A log entry that JSON can write: an error as its stack. */
function plain(entry: ServerLog): object {
  return entry.kind === "request" && entry.error !== undefined
    ? { ...entry, error: stackOf(entry.error) }
    : entry;
}

function lineOf(entry: ServerLog): string {
  if (entry.kind !== "request") return `saccade: ${entry.message}`;
  const { method, path, status, ms, id, problem, error } = entry;
  const line = `${method} ${path} ${status} ${ms.toFixed(1)} ms ${id}${
    problem === undefined ? "" : ` ${problem}`
  }`;
  return error === undefined ? line : `${line}\n${stackOf(error)}`;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
