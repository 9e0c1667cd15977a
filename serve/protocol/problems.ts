/**
 * Failures on the wire: RFC 9457 problem documents.
 *
 * @module
 */
import { type ErrorCode, type ErrorDetails, ProtocolError } from "./errors.ts";

/** Media type of a problem document. */
export const PROBLEM_TYPE = "application/problem+json";

/** Status and title of a code. */
export interface ProblemRow {
  /** HTTP status. */
  readonly status: number;
  /** Fixed text. */
  readonly title: string;
}

/** The only place where a code meets a status. A code without a row does not compile. */
export const PROBLEMS: { readonly [C in ErrorCode]: ProblemRow } = {
  "body-too-large": { status: 413, title: "Body is too large" },
  "body-malformed": { status: 400, title: "Body cannot be read" },
  "media-type-unsupported": { status: 415, title: "Media type is not supported" },
  "part-unknown": { status: 400, title: "Part is not known" },
  "part-missing": { status: 400, title: "Part is missing" },
  "option-invalid": { status: 400, title: "Option is not valid" },
  "point-unknown": { status: 422, title: "Operating point does not exist" },
  "image-too-large": { status: 413, title: "Picture has too many pixels" },
  "image-unreadable": { status: 422, title: "Picture cannot be decoded" },
  "patch-unexpected": { status: 422, title: "Patch was not asked for" },
  "patch-size-mismatch": { status: 422, title: "Patch has the wrong size" },
  "state-invalid": { status: 400, title: "State is not valid here" },
  "state-expired": { status: 410, title: "State has expired" },
  "state-stale": { status: 410, title: "State belongs to a version that is gone" },
  "model-unknown": { status: 404, title: "Model does not exist" },
  "version-unknown": { status: 404, title: "Version does not exist" },
  "bundle-corrupt": { status: 503, title: "Model cannot be used" },
  "not-found": { status: 404, title: "Address does not exist" },
  "method-not-allowed": { status: 405, title: "Method is not allowed" },
  "overloaded": { status: 503, title: "Server is busy" },
  "not-ready": { status: 503, title: "Server is not ready" },
  "deadline-exceeded": { status: 503, title: "Answer was not ready in time" },
  "internal": { status: 500, title: "Something broke" },
  "edge-unreachable": { status: 502, title: "Edge cannot be reached" },
  "answer-malformed": { status: 502, title: "Answer is not of this protocol" },
};

/** Standard members; facts cannot shadow them. */
type Standard = "type" | "title" | "status" | "detail" | "instance";
type Shadowing = { [C in ErrorCode]: Extract<keyof ErrorDetails[C], Standard> }[ErrorCode];
// Does not compile when a fact of any code is called like a standard member.
const NOTHING_SHADOWED: [Shadowing] extends [never] ? true : Shadowing = true;

/** A problem document: the standard members, then the facts of its code. */
export interface Problem {
  /** Absolute URI that opens the page of the code; its last segment is the code. */
  readonly type: string;
  /** Fixed per code. */
  readonly title: string;
  /** HTTP status. */
  readonly status: number;
  /** Help for the caller. */
  readonly detail: string;
  /** The request, as in the log. */
  readonly instance?: string;
  /** Facts. */
  readonly [fact: string]: unknown;
}

/** Whether a text is a code. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(PROBLEMS, text);
}

/**
 * The document of a failure.
 *
 * @param error The failure.
 * @param options `base`: absolute URI the pages are under; `instance`: what the request is called in the log.
 */
export function toProblem(
  error: ProtocolError,
  { base, instance }: { readonly base: string; readonly instance?: string },
): Problem {
  const { status, title } = PROBLEMS[error.code];
  return {
    ...(NOTHING_SHADOWED && error.details),
    type: new URL(error.code, base).href,
    title,
    status,
    detail: error.message,
    ...(instance === undefined ? {} : { instance }),
  };
}

/** The failure of a document; `undefined` when it is not one of this protocol. */
export function fromProblem(document: unknown): ProtocolError | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const { type, title: _, status: __, detail, instance: ___, ...details } = document as Record<
    string,
    unknown
  >;
  const code = typeof type === "string" ? type.split("/").at(-1)! : "";
  if (!isErrorCode(code)) return undefined;
  const message = typeof detail === "string" ? detail : PROBLEMS[code].title;
  return new ProtocolError(code, details as unknown as ErrorDetails[typeof code], message);
}
