/**
 * Routes: how bytes arrive and answers leave.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import type { CallContext, Engine, Fault } from "../engine/mod.ts";
import { isErrorCode, ProtocolError, readFocusForm } from "../protocol/mod.ts";
import {
  asProtocolError,
  CLIENT_GONE,
  EXPOSED_HEADERS,
  type LogEntry,
  problemAnswer,
  requestIdOf,
  type RequestState,
  serverTiming,
} from "./answers.ts";
import { readForm } from "./body.ts";
import { readGlance } from "./glance_body.ts";

/** Whether a service takes work: it loads first, and when it is told to stop it finishes what it has. */
export type Stage = "starting" | "ready" | "stopping";

/** What an app is made of. */
export interface AppOptions {
  /** Answers glances and patches. */
  readonly engine: Engine;
  /** Whether work is taken now. */
  readonly stage: () => Stage;
  /** Markdown of the page of a problem; `undefined` when it has none. */
  readonly problemPage: (code: string) => Promise<string | undefined>;
  /** Told about every request. */
  readonly log: (entry: LogEntry) => void;
  /** URI callers reach this server under; absent: the origin of the request. */
  readonly publicUrl?: string;
}

/** Answer of `/readyz`. */
export interface Readiness {
  /** Work is taken. */
  readonly ready: true;
  /** Models that can be used. */
  readonly models: readonly { readonly model: string; readonly versions: readonly number[] }[];
  /** Bundles that cannot. */
  readonly faults: readonly Fault[];
}

type Call = Context<RequestState>;

/** The app: a function from `Request` to `Response`. */
export function createApp(options: AppOptions): Hono<RequestState> {
  const { engine, stage, problemPage, log, publicUrl } = options;
  const { catalog, limits } = engine;
  const app = new Hono<RequestState>();
  const base = (c: Call): string => new URL("/problems/", publicUrl ?? c.req.url).href;

  app.use(async (c, next) => {
    c.set("requestId", requestIdOf(c.req.raw));
    c.set("arrived", performance.now());
    c.set("timings", new Map());
    await next();
    const ms = performance.now() - c.get("arrived");
    c.get("timings").set("total", ms);
    c.header("server-timing", serverTiming(c.get("timings")));
    c.header("x-request-id", c.get("requestId"));
    const gone = c.req.raw.signal.aborted && c.error !== undefined;
    const problem = c.error && asProtocolError(c.error).code;
    log({
      id: c.get("requestId"),
      method: c.req.method,
      path: c.req.path,
      status: gone ? CLIENT_GONE : c.res.status,
      ms,
      ...(problem === undefined || gone ? {} : { problem }),
      ...(problem === "internal" && !gone ? { error: c.error } : {}),
    });
  });
  app.use(cors({ origin: "*", exposeHeaders: [...EXPOSED_HEADERS], maxAge: 600 }));
  app.onError((error, c) => problemAnswer(c, asProtocolError(error), base(c)));
  app.notFound((c) => {
    const path = c.req.path.slice(0, 200);
    throw new ProtocolError("not-found", { path }, `Cannot find ${path}: start at /v1/models`);
  });

  /** One address: what it answers to, and a problem for every other method. */
  function address(
    path: string,
    method: "GET" | "POST",
    handler: (c: Call) => Response | Promise<Response>,
  ): void {
    app.on(method, path, handler);
    const allowed = method === "GET" ? ["GET", "HEAD", "OPTIONS"] : ["POST", "OPTIONS"];
    app.all(path, (c) => {
      throw new ProtocolError(
        "method-not-allowed",
        { method: c.req.method, allowed },
        `Cannot ${c.req.method} ${c.req.path.slice(0, 200)}: it answers to ${allowed.join(", ")}`,
      );
    });
  }

  function notReady(reason: string): ProtocolError {
    const { retryAfterSeconds } = limits;
    return new ProtocolError("not-ready", { reason, retryAfterSeconds }, `Cannot take work: ${reason}`);
  }

  /** What the engine is told about a call, and what it tells of it. */
  function callContext(c: Call): CallContext {
    return { signal: c.req.raw.signal, timing: (part, ms) => c.get("timings").set(part, ms) };
  }

  async function glance(c: Call): Promise<Response> {
    const { request, image } = await readGlance(c.req.raw, limits.maxBodyBytes);
    const version = c.req.param("version");
    const model = c.req.param("model")!;
    const call = { model, request, image, ...(version === undefined ? {} : { version }) };
    return uncached(c, await engine.glance(call, callContext(c)));
  }

  async function focus(c: Call): Promise<Response> {
    const form = await readFocusForm(await readForm(c.req.raw, limits.maxBodyBytes));
    const patches = new Map<number, Uint8Array>();
    for (const [id, image] of form.patches) patches.set(id, new Uint8Array(await image.arrayBuffer()));
    const call = { model: c.req.param("model")!, state: form.state, patches };
    return uncached(c, await engine.focus(call, callContext(c)));
  }

  app.use("/v1/*", async (_, next) => {
    if (stage() === "starting") throw notReady("models are being loaded");
    await next();
  });
  address("/v1/models", "GET", (c) => c.json(catalog.list()));
  address("/v1/models/:model", "GET", (c) => c.json(catalog.card(c.req.param("model")!)));
  address(
    "/v1/models/:model/versions/:version",
    "GET",
    (c) => c.json(catalog.card(c.req.param("model")!, c.req.param("version")!)),
  );
  address("/v1/models/:model/glance", "POST", glance);
  address("/v1/models/:model/versions/:version/glance", "POST", glance);
  address("/v1/models/:model/focus", "POST", focus);
  address("/livez", "GET", (c) => uncached(c, { live: true }));
  address("/readyz", "GET", (c) => {
    const { models } = catalog.list();
    if (stage() !== "ready") {
      throw notReady(stage() === "starting" ? "models are being loaded" : "it is stopping");
    }
    if (models.length === 0) throw notReady("there is no model that can be used");
    const lines = models.map(({ model, versions }) => ({ model, versions }));
    return uncached(c, { ready: true, models: lines, faults: catalog.faults } satisfies Readiness);
  });
  address("/problems/:code", "GET", async (c) => {
    const code = c.req.param("code")!;
    const page = isErrorCode(code) ? await problemPage(code) : undefined;
    if (page === undefined) return c.notFound();
    return c.body(page, 200, { "content-type": "text/markdown; charset=utf-8" });
  });
  return app;
}

function uncached(c: Call, value: object): Response {
  c.header("cache-control", "no-store");
  return c.json(value);
}
