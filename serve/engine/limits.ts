/**
 * Everything that is bounded, in one object. Limits are enforced before the work they bound.
 *
 * @module
 */

/** Bounds of a server. */
export interface Limits {
  /** Longest body in bytes. */
  readonly maxBodyBytes: number;
  /** Longest side of a picture in pixels, read from its header. */
  readonly maxSidePx: number;
  /** Most pixels of a picture, read from its header. */
  readonly maxPixels: number;
  /** Turns computed at once. */
  readonly maxActive: number;
  /** Turns that wait for their turn; one more is told to come back. */
  readonly maxQueued: number;
  /** Milliseconds from arrival to answer. */
  readonly deadlineMs: number;
  /** Seconds a state may be used after it was sealed. */
  readonly stateMaxAgeSeconds: number;
  /** Seconds a caller is asked to wait before it tries again. */
  readonly retryAfterSeconds: number;
}

/** Limits that suit one machine. */
export const LIMITS: Limits = {
  maxBodyBytes: 16 * 2 ** 20,
  maxSidePx: 16_384,
  maxPixels: 2 ** 25,
  maxActive: 8,
  maxQueued: 64,
  deadlineMs: 30_000,
  stateMaxAgeSeconds: 600,
  retryAfterSeconds: 1,
};
