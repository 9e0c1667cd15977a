/**
 * What every answer carries: problem documents, request ids, timings, the log.
 *
 * @module
 */
import type { Context } from "hono";
import { isProtocolError, PROBLEM_TYPE, ProtocolError, toProblem } from "../protocol/mod.ts";

/** What is kept per request. */
export interface RequestState {
  /** Values of the request in Hono's context. */
  Variables: {
    /** Id of the request, in the answer and in the log. */
    requestId: string;
    /** When it came, in milliseconds of a steady clock. */
    arrived: number;
    /** Measured parts by name, in milliseconds. */
    timings: Map<string, number>;
  };
}

/** One line of the log. */
export interface LogEntry {
  /** Id of the request, also its problem's `instance`. */
  readonly id: string;
  /** Method of the request. */
  readonly method: string;
  /** Path of the request, without query. */
  readonly path: string;
  /** Status of the answer; 499 when the caller was gone. */
  readonly status: number;
  /** Milliseconds from arrival to answer. */
  readonly ms: number;
  /** Code of the problem, if any. */
  readonly problem?: string;
  /** What was thrown, for bugs only. */
  readonly error?: unknown;
}

/** Status in the log when the caller did not wait for the answer. */
export const CLIENT_GONE = 499;

/** Headers a page on another origin may read. */
export const EXPOSED_HEADERS: readonly string[] = ["Retry-After", "Server-Timing", "X-Request-Id"];

/** The id a caller gave its request, if it is a plain one, or a new one. */
export function requestIdOf(request: Request): string {
  const given = request.headers.get("x-request-id") ?? "";
  return /^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : crypto.randomUUID();
}

/** Measured parts as the value of a `Server-Timing` header. */
export function serverTiming(timings: ReadonlyMap<string, number>): string {
  return [...timings].map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`).join(", ");
}

/** Anything thrown as an expected failure; what is not expected tells nothing. */
export function asProtocolError(thrown: unknown): ProtocolError {
  if (isProtocolError(thrown)) return thrown;
  return new ProtocolError(
    "internal",
    {},
    "Cannot answer: something broke that is not the fault of the request; the instance names it in the log",
  );
}

/** The answer to a failure. `base` is the URI the problem pages are under. */
export function problemAnswer(c: Context<RequestState>, error: ProtocolError, base: string): Response {
  const problem = toProblem(error, { base, instance: `urn:saccade:request:${c.get("requestId")}` });
  const { details } = error;
  const headers = new Headers({ "content-type": PROBLEM_TYPE, "cache-control": "no-store" });
  if ("retryAfterSeconds" in details) headers.set("retry-after", String(details.retryAfterSeconds));
  if ("allowed" in details) headers.set("allow", (details.allowed as readonly string[]).join(", "));
  for (const [name, value] of headers) c.header(name, value);
  return c.body(JSON.stringify(problem), problem.status as 400);
}
