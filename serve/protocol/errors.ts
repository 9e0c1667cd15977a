/**
 * Everything that is expected to go wrong: a closed set of codes with typed facts. Server and client throw the same class.
 *
 * @module
 */

/** Facts of every code. A fact becomes an extension member of the problem document, so none may be called like a standard one. */
export interface ErrorDetails {
  /** The body is larger than the server reads. */
  "body-too-large": { readonly maxBytes: number };
  /** The body does not follow the grammar of its media type: JSON or multipart. */
  "body-malformed": { readonly part: string; readonly issue: string };
  /** A part or the body has a media type the server does not read. */
  "media-type-unsupported": {
    readonly part: string;
    readonly found: string;
    readonly accepted: readonly string[];
  };
  /** A multipart part this call does not know. */
  "part-unknown": { readonly part: string; readonly accepted: readonly string[] };
  /** A multipart part this call cannot do without. */
  "part-missing": { readonly part: string };
  /** An option is not what it must be. */
  "option-invalid": { readonly option: string; readonly issue: string };
  /** The operating point does not exist. */
  "point-unknown": { readonly point: string; readonly points: readonly string[] };
  /** The picture is larger than the server decodes; judged by its header. */
  "image-too-large": {
    readonly part: string;
    readonly width: number;
    readonly height: number;
    readonly maxSidePx: number;
    readonly maxPixels: number;
  };
  /** The picture is damaged. */
  "image-unreadable": { readonly part: string; readonly issue: string };
  /** A patch that was not in the last plan. */
  "patch-unexpected": { readonly patch: number; readonly planned: readonly number[] };
  /** A patch of another size than planned. */
  "patch-size-mismatch": {
    readonly patch: number;
    readonly width: number;
    readonly height: number;
    readonly expectedWidth: number;
    readonly expectedHeight: number;
  };
  /** The state is not one this server sealed for this model. */
  "state-invalid": { readonly issue: string };
  /** The state was sealed too long ago. */
  "state-expired": { readonly ageSeconds: number; readonly maxAgeSeconds: number };
  /** The state belongs to a version of the model that is gone. */
  "state-stale": { readonly model: string; readonly version: number };
  /** No such model. */
  "model-unknown": { readonly model: string };
  /** No such version of the model. */
  "version-unknown": {
    readonly model: string;
    readonly version: string;
    readonly versions: readonly number[];
  };
  /** The model is there but its bundle cannot be used. */
  "bundle-corrupt": { readonly model: string; readonly retryAfterSeconds: number };
  /** No such address. */
  "not-found": { readonly path: string };
  /** The address exists, the method does not. */
  "method-not-allowed": { readonly method: string; readonly allowed: readonly string[] };
  /** More work than the server takes on. */
  "overloaded": { readonly retryAfterSeconds: number };
  /** The server is starting or stopping. */
  "not-ready": { readonly reason: string; readonly retryAfterSeconds: number };
  /** The answer was not ready in time. */
  "deadline-exceeded": { readonly deadlineMs: number; readonly retryAfterSeconds: number };
  /** A bug; what happened is in the log under the instance. */
  "internal": { readonly [fact: string]: never };
  /** Client only: no answer came. */
  "edge-unreachable": { readonly url: string };
  /** Client only: an answer came that is not of this protocol. */
  "answer-malformed": { readonly url: string; readonly issue: string };
}

/** A code. */
export type ErrorCode = keyof ErrorDetails;

/** An expected failure. Its message helps the caller to fix the request. */
export class ProtocolError<C extends ErrorCode = ErrorCode> extends Error {
  /** Which failure. */
  readonly code: C;
  /** Facts about it. */
  readonly details: ErrorDetails[C];

  /**
   * A failure.
   *
   * @param code Which failure.
   * @param details Facts about it.
   * @param message One sentence for the caller, without final period.
   */
  constructor(code: C, details: ErrorDetails[C], message: string) {
    super(message);
    this.name = "ProtocolError";
    this.code = code;
    this.details = details;
  }
}

/** Whether something thrown is an expected failure with this code (without a code: any expected failure). */
export function isProtocolError<C extends ErrorCode>(thrown: unknown, code?: C): thrown is ProtocolError<C> {
  return thrown instanceof ProtocolError && (code === undefined || thrown.code === code);
}
