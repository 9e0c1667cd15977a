/**
 * The edge server on Deno: files from a folder, workers, a port, signals.
 *
 * @module
 */
import { createService, type Files, type Limits, type LogEntry } from "../mod.ts";
import { keyRing, newSecret, parseSecrets } from "../protocol/mod.ts";
import { createPool, type RuntimeName } from "../runtime/mod.ts";

/** How a server is started. */
export interface ServeOptions {
  /** Folder of bundles. */
  readonly repository: string;
  /** Port; 0 picks a free one. @default 8000 */
  readonly port?: number;
  /** Address to listen at. @default "127.0.0.1" */
  readonly hostname?: string;
  /** Which ONNX Runtime. @default "web" */
  readonly runtime?: RuntimeName;
  /** Number of workers. @default one less than there are cores, 1 to 4 */
  readonly workers?: number;
  /** Secrets of states, base64url, separated by commas, newest first. @default one made for this process */
  readonly keys?: string;
  /** Bounds other than the usual. */
  readonly limits?: Partial<Limits>;
  /** Milliseconds a network waits for more rows. @default 0 */
  readonly queueDelayMs?: number;
  /** Milliseconds between "not ready" and the last connection taken. @default 0 */
  readonly graceMs?: number;
  /** Milliseconds given to what is under way. @default 10000 */
  readonly drainMs?: number;
  /** URI callers reach the server under. @default the origin of the request */
  readonly publicUrl?: string;
  /** Told one thing at a time: requests, faults, warnings. @default nobody */
  readonly log?: (entry: ServerLog) => void;
}

/** One line of the log of a server. */
export type ServerLog =
  | ({ readonly kind: "request" } & LogEntry)
  | { readonly kind: "fault" | "warning" | "note"; readonly message: string };

/** A server that runs. */
export interface RunningServer {
  /** Where it can be reached. */
  readonly url: string;
  /** Stops taking calls, finishes what is under way, gives everything back. */
  shutdown(): Promise<void>;
  /** Settled when it has ended. */
  readonly finished: Promise<void>;
}

/** Largest file of a bundle that is read. */
const MAX_FILE_BYTES = 2 ** 30;

/** Starts a server; settled when its models are warm. */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { repository, log = () => {}, graceMs = 0, drainMs = 10_000 } = options;
  await requireFolder(repository);
  const secrets = options.keys === undefined ? [newSecret()] : parseSecrets(options.keys);
  if (options.keys === undefined) {
    const message =
      "states are sealed with a key made for this process: they do not outlive it, and another server " +
      "cannot open them";
    log({ kind: "note", message });
  }
  const machine = await createPool({
    runtime: options.runtime ?? "web",
    workers: options.workers ?? Math.min(4, Math.max(1, navigator.hardwareConcurrency - 1)),
    onBroken: (reason) => log({ kind: "warning", message: `a worker broke and is replaced: ${reason}` }),
  });
  const service = await createService({
    files: folderFiles(repository),
    machine,
    keys: await keyRing(secrets),
    problemPage,
    log: (entry) => log({ kind: "request", ...entry }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.queueDelayMs === undefined ? {} : { queueDelayMs: options.queueDelayMs }),
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
  });
  const server = Deno.serve(
    { port: options.port ?? 8000, hostname: options.hostname ?? "127.0.0.1", onListen: () => {} },
    (request) => service.app.fetch(request),
  );
  const { hostname, port } = server.addr;
  try {
    await service.loaded;
  } catch (error) {
    await server.shutdown();
    await service.close();
    throw error;
  }
  for (const { model, version, reason } of service.faults()) {
    log({ kind: "fault", message: `version ${version} of "${model}" is left out: ${reason}` });
  }

  let stopping: Promise<void> | undefined;
  async function stop(): Promise<void> {
    service.stop();
    await pause(graceMs);
    const timer = setTimeout(() => machine.close(), drainMs);
    await server.shutdown();
    clearTimeout(timer);
    await service.close();
  }
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    shutdown: () => stopping ??= stop(),
    finished: server.finished,
  };
}

/** Ends a server on SIGINT and SIGTERM. Returns how to stop listening for them. */
export function shutdownOnSignals(server: RunningServer): () => void {
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const end = (): void => {
    server.shutdown();
  };
  for (const signal of signals) Deno.addSignalListener(signal, end);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, end);
  };
}

/** Files of a repository on the disk. */
export function folderFiles(root: string): Files {
  return {
    async folders(path) {
      const names: string[] = [];
      for await (const { name, isDirectory } of Deno.readDir(`${root}/${path}`)) {
        if (isDirectory) names.push(name);
      }
      return names;
    },
    async read(path) {
      const { size } = await Deno.stat(`${root}/${path}`);
      if (size > MAX_FILE_BYTES) throw new RangeError(`Cannot read ${path}: it has ${size} bytes`);
      return await Deno.readFile(`${root}/${path}`);
    },
  };
}

async function requireFolder(path: string): Promise<void> {
  const isFolder = await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
  if (!isFolder) throw new RangeError(`Cannot serve "${path}": it must be a folder of bundles`);
}

/** Pages lie beside the code; where they do not, problems still name their code. */
async function problemPage(code: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(new URL(`../../docs/problems/${code}.md`, import.meta.url));
  } catch {
    return undefined;
  }
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
