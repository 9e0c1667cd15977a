/**
 * `saccade serve`: the edge server over a repository of bundles.
 *
 * @module
 */
import type { Command } from "commander";
import { command, type CommonOptions, integer, oneOf } from "./command.ts";
import { REPOSITORY } from "./repository.ts";

interface Options extends CommonOptions {
  readonly port: number;
  readonly host: string;
  readonly repository: string;
  readonly runtime: "web" | "node";
  readonly workers?: number;
  readonly publicUrl?: string;
  readonly verbose?: boolean;
}

/** The command. */
export function serveCommand(): Command {
  return command("serve", "Serve the bundles of a repository; the first line printed is the address.", [
    "saccade serve --port 8000",
    "saccade serve --port 0 --repository models/repository --json",
    "SACCADE_KEYS=<base64url> saccade serve --host 0.0.0.0 --public-url https://edge.example",
  ])
    .option("--port <n>", "port; 0 picks a free one", integer(0), 8000)
    .option("--host <address>", "address to listen at", "127.0.0.1")
    .option("--repository <dir>", "folder of bundles", REPOSITORY)
    .option("--runtime <name>", "ONNX Runtime: web or node", oneOf("web", "node"), "web")
    .option(
      "--workers <n>",
      "workers that compute (default: one less than there are cores, 1 to 4)",
      integer(1),
    )
    .option("--public-url <uri>", "address callers reach the server under")
    .option("--verbose", "log every request")
    .action(work);
}

async function work(
  { host, json, verbose, workers, publicUrl, port, repository, runtime }: Options,
): Promise<void> {
  const { serve } = await import("../serve.ts");
  await serve({
    port,
    repository,
    runtime,
    hostname: host,
    json: json ?? false,
    verbose: verbose ?? false,
    ...(workers === undefined ? {} : { workers }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
  });
}
