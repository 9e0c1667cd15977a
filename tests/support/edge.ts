/**
 * A whole edge in memory: tiny bundles, a real runtime, the app; and a client whose `fetch` is the app's own `request`.
 *
 * @module
 */
import { connect, type Saccade } from "../../client/mod.ts";
import { createService, type LogEntry, type Service, type ServiceOptions } from "../../serve/mod.ts";
import { keyRing, type Problem } from "../../serve/protocol/mod.ts";
import { createMachine, openRuntime } from "../../serve/runtime/mod.ts";
import { type TinyOptions, tinyRepository } from "./tiny_bundle.ts";

/** Address of the edge in memory. */
export const EDGE = "http://edge.test";

/** An edge in memory. */
export interface TestEdge {
  readonly service: Service;
  readonly client: Saccade;
  readonly log: LogEntry[];
  /** Moves the clock of states. */
  wait(ms: number): void;
  /** Sends a request to a path. */
  send(path: string, init?: RequestInit): Promise<Response>;
}

/** What an edge in memory is made of. */
export interface TestEdgeOptions extends Partial<ServiceOptions> {
  /** @default one tiny bundle */
  readonly bundles?: readonly TinyOptions[];
  /** Files beside them. */
  readonly extra?: Readonly<Record<string, Uint8Array>>;
}

/** Runs a test against an edge in memory. */
export async function withEdge(
  options: TestEdgeOptions,
  test: (edge: TestEdge) => Promise<void>,
): Promise<void> {
  const { bundles = [{}], extra, ...rest } = options;
  let time = Date.UTC(2026, 0, 1);
  const log: LogEntry[] = [];
  const service = await createService({
    files: await tinyRepository(bundles, extra),
    machine: createMachine(await openRuntime("web")),
    keys: await keyRing([new Uint8Array(32).fill(1)]),
    now: () => time,
    log: (entry) => log.push(entry),
    ...rest,
  });
  try {
    await service.loaded;
    await test({
      service,
      log,
      client: connect(EDGE, { fetch: (request) => service.app.request(request) }),
      wait: (ms) => time += ms,
      send: async (path, init) => await service.app.request(`${EDGE}${path}`, init),
    });
  } finally {
    await service.close();
  }
}

/** The problem document of an answer. */
export async function problemOf(response: Response): Promise<Problem> {
  const type = response.headers.get("content-type");
  const text = await response.text();
  if (type !== "application/problem+json") {
    throw new Error(`not a problem: ${response.status} ${type} ${text}`);
  }
  return JSON.parse(text);
}
