/**
 * The edge server: repository, engine, runtime and routes put together. Nothing here knows a platform; `adapters/` do.
 *
 * @module
 */
import type { Hono } from "hono";
import { checkGolden, decodeGolden } from "../core/bundle/mod.ts";
import {
  bundleKey,
  Catalog,
  createEngine,
  type Fault,
  type Files,
  LIMITS,
  type Limits,
  readRepository,
} from "./engine/mod.ts";
import { type KeyRing, keyRing, newSecret } from "./protocol/mod.ts";
import type { Machine } from "./runtime/mod.ts";
import { createApp, type LogEntry, type RequestState, type Stage } from "./transport/mod.ts";

export { type Files, LIMITS, type Limits } from "./engine/mod.ts";
export type { LogEntry } from "./transport/mod.ts";

/** What a service is made of. */
export interface ServiceOptions {
  /** Bundles. */
  readonly files: Files;
  /** Where networks and codecs run; the service closes it. */
  readonly machine: Machine;
  /** Keys of states. @default one made for this service: states do not outlive it */
  readonly keys?: KeyRing;
  /** Bounds other than the usual. */
  readonly limits?: Partial<Limits>;
  /** Most rows of a batch. @default 16 */
  readonly maxRows?: number;
  /** Milliseconds a network waits for more rows. @default 0 */
  readonly queueDelayMs?: number;
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
  /** Told about every request. @default nobody */
  readonly log?: (entry: LogEntry) => void;
  /** Markdown of the page of a problem. @default no pages */
  readonly problemPage?: (code: string) => Promise<string | undefined>;
  /** URI callers reach the service under. @default the origin of the request */
  readonly publicUrl?: string;
}

/** A service. */
export interface Service {
  /** Answers requests, from the first moment on: with "not ready" until models are loaded. */
  readonly app: Hono<RequestState>;
  /** Settled when all bundles are loaded and warm; rejected when the repository cannot be read at all. */
  readonly loaded: Promise<void>;
  /** Bundles that cannot be used. */
  faults(): readonly Fault[];
  /** No longer ready for new callers; calls that come are still answered. */
  stop(): void;
  /** Gives everything back; calls under way fail. */
  close(): Promise<void>;
}

/** Puts a service together and starts loading its bundles. */
export async function createService(options: ServiceOptions): Promise<Service> {
  const { files, machine, log = () => {} } = options;
  const limits: Limits = { ...LIMITS, ...options.limits };
  const catalog = new Catalog(limits);
  let stage: Stage = "starting";

  async function load(): Promise<void> {
    const { bundles, faults } = await readRepository(files);
    for (const fault of faults) catalog.addFault(fault);
    for (const bundle of bundles) {
      const { id: model, version } = bundle.manifest;
      try {
        const key = bundleKey(bundle);
        await machine.open(key, bundle.networks);
        await checkGolden(
          decodeGolden(bundle.golden),
          (network, inputs) => machine.run(key, network, inputs),
        );
        catalog.add(bundle);
      } catch (error) {
        catalog.addFault({ model, version, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    if (stage === "starting") stage = "ready";
  }

  const engine = createEngine({
    catalog,
    compute: machine,
    keys: options.keys ?? await keyRing([newSecret()]),
    limits,
    now: options.now ?? Date.now,
    maxRows: options.maxRows ?? 16,
    queueDelayMs: options.queueDelayMs ?? 0,
  });
  const app = createApp({
    engine,
    stage: () => stage,
    problemPage: options.problemPage ?? (() => Promise.resolve(undefined)),
    log,
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
  });
  return {
    app,
    loaded: load(),
    faults: () => catalog.faults,
    stop() {
      stage = "stopping";
    },
    close: () => machine.close(),
  };
}
