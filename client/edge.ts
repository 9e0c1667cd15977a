/**
 * Calls to an edge: every answer is checked, every failure is a `ProtocolError`.
 *
 * @module
 */
import {
  fromProblem,
  type ModelCard,
  type ModelList,
  PROBLEM_TYPE,
  ProtocolError,
  readCard,
  readModelList,
  readTurn,
  type WireTurn,
  writeFocusForm,
  writeGlanceForm,
} from "../serve/protocol/mod.ts";

/** Sends a request: `fetch`, or the `request` of an app in memory. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** How an edge is reached. */
export interface EdgeOptions {
  /** Sends requests. @default globalThis.fetch */
  readonly fetch?: Fetch;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is asked with a glance; the protocol's options, all of them optional. */
export type GlanceOptions = Parameters<typeof writeGlanceForm>[0];

/** The calls of the protocol. */
export interface Edge {
  /** Models. */
  models(signal?: AbortSignal): Promise<ModelList>;
  /** The card of a model. */
  card(model: string, version?: number, signal?: AbortSignal): Promise<ModelCard>;
  /** First turn. */
  glance(card: ModelCard, request: GlanceOptions, glance: Blob, signal?: AbortSignal): Promise<WireTurn>;
  /** A later turn. */
  focus(
    model: string,
    state: string,
    patches: ReadonlyMap<number, Blob>,
    signal?: AbortSignal,
  ): Promise<WireTurn>;
}

/** An edge at an address; nothing is sent yet. */
export function edgeAt(base: string | URL, options: EdgeOptions = {}): Edge {
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const root = new URL(base);
  if (!root.pathname.endsWith("/")) root.pathname += "/";

  async function call<T>(
    path: string,
    read: (value: unknown, url: string) => T,
    { signal, body }: { readonly signal?: AbortSignal | undefined; readonly body?: FormData },
  ): Promise<T> {
    const url = new URL(path, root).href;
    const request = new Request(url, {
      ...(options.headers === undefined ? {} : { headers: { ...options.headers } }),
      ...(body === undefined ? {} : { method: "POST", body }),
      ...(signal === undefined ? {} : { signal }),
    });
    let response: Response;
    let text: string;
    try {
      response = await send(request);
      text = await response.text();
    } catch (cause) {
      signal?.throwIfAborted();
      throw failure("edge-unreachable", { url }, `Cannot reach ${url}: no answer came`, cause);
    }
    const value = parse(text);
    if (response.ok) return read(value, url);
    const type = response.headers.get("content-type") ?? "";
    const problem = type.startsWith(PROBLEM_TYPE) ? fromProblem(value) : undefined;
    if (problem !== undefined) throw problem;
    const issue = `status ${response.status} without a problem document of this protocol`;
    throw failure("answer-malformed", { url, issue }, `Cannot read the answer of ${url}: ${issue}`);
  }

  const model = (name: string): string => `v1/models/${encodeURIComponent(name)}`;
  return {
    models: (signal) => call("v1/models", readModelList, { signal }),
    card: (name, version, signal) =>
      call(version === undefined ? model(name) : `${model(name)}/versions/${version}`, readCard, { signal }),
    glance: (card, request, glance, signal) =>
      call(`${model(card.model)}/versions/${card.version}/glance`, readTurn, {
        signal,
        body: writeGlanceForm(request, glance),
      }),
    focus: (name, state, patches, signal) =>
      call(`${model(name)}/focus`, readTurn, { signal, body: writeFocusForm(state, patches) }),
  };
}

/** Text that is not JSON has no meaning; the checks that follow say so. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure<C extends "edge-unreachable" | "answer-malformed">(
  code: C,
  details: ConstructorParameters<typeof ProtocolError<C>>[1],
  message: string,
  cause?: unknown,
): ProtocolError {
  const error = new ProtocolError(code, details, message);
  error.cause = cause;
  return error;
}
