/**
 * Reading messages: unknown values become messages or failures.
 *
 * @module
 */
import type { z } from "zod";
import { ProtocolError } from "./errors.ts";
import type { GlanceRequest, ModelCard, ModelList, WireTurn } from "./messages.ts";
import * as schemas from "./_schemas.ts";

/** Names of the options of a glance that are numbers, as they are written in a query. */
const NUMBERS = new Set([
  "picture.width",
  "picture.height",
  "budget.patches",
  "budget.bytes",
  "budget.turns",
  "budget.confidence",
  "cost.bytesPerRequest",
  "cost.bytesPerPixel",
  "top",
]);

/** Options of a glance from a JSON value. @throws {ProtocolError} `option-invalid`. */
export function readGlanceRequest(value: unknown): GlanceRequest {
  const parsed = schemas.glanceRequest.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, text } = firstIssue(parsed.error);
  throw invalid(path, text);
}

/**
 * Options of a glance from a query: `picture.width=640&picture.height=480&budget.patches=4&top=3`.
 *
 * @throws {ProtocolError} `option-invalid`.
 */
export function readGlanceQuery(query: URLSearchParams): GlanceRequest {
  const request: Record<string, unknown> = {};
  for (const [name, text] of query) {
    if (name !== "point" && !NUMBERS.has(name)) throw invalid(name, "there is no such option");
    if (query.getAll(name).length > 1) throw invalid(name, "it is given more than once");
    if (NUMBERS.has(name) && !/^\d+(\.\d+)?$/.test(text)) {
      throw invalid(name, `"${text.slice(0, 32)}" is not a number`);
    }
    const value = NUMBERS.has(name) ? Number(text) : text;
    const [group, member] = name.split(".");
    if (member === undefined) request[name] = value;
    else request[group!] = { ...request[group!] as object | undefined, [member]: value };
  }
  return readGlanceRequest(request);
}

/** The query of options of a glance: the inverse of {@link readGlanceQuery}. */
export function writeGlanceQuery(request: Partial<GlanceRequest>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request)) {
    if (typeof value !== "object") query.set(name, String(value));
    else for (const [member, inner] of Object.entries(value)) query.set(`${name}.${member}`, String(inner));
  }
  return query;
}

/** A turn from a JSON value. @throws {ProtocolError} `answer-malformed`. */
export function readTurn(value: unknown, url: string): WireTurn {
  return answer(schemas.turn, value, url);
}

/** A card from a JSON value. @throws {ProtocolError} `answer-malformed`. */
export function readCard(value: unknown, url: string): ModelCard {
  return answer(schemas.card, value, url);
}

/** A list of models from a JSON value. @throws {ProtocolError} `answer-malformed`. */
export function readModelList(value: unknown, url: string): ModelList {
  return answer(schemas.modelList, value, url);
}

function answer<T>(schema: z.ZodType<T>, value: unknown, url: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, text } = firstIssue(parsed.error);
  const issue = `${path}: ${text}`;
  throw new ProtocolError("answer-malformed", { url, issue }, `Cannot read the answer of ${url}: ${issue}`);
}

function firstIssue(error: z.ZodError): { path: string; text: string } {
  const [issue] = error.issues;
  return { path: issue?.path.join(".") || "request", text: issue?.message ?? "it is not valid" };
}

function invalid(option: string, issue: string): ProtocolError {
  const known = option.slice(0, 64);
  return new ProtocolError(
    "option-invalid",
    { option: known, issue },
    `Cannot take option "${known}": ${issue}`,
  );
}
