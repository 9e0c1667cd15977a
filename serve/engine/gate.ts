/**
 * Admission: so many turns at once, so many waiting, and no turn longer than the deadline.
 *
 * @module
 */
import { ProtocolError } from "../protocol/mod.ts";
import type { Limits } from "./limits.ts";

/** Lets work in. */
export interface Gate {
  /**
   * Does work when there is room for it. The work is told by its signal when its caller is gone or the deadline has passed, and
   * keeps its place until it has really ended.
   *
   * @throws {ProtocolError} `overloaded`, `deadline-exceeded`; the signal's reason when the caller is gone.
   */
  run<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Turns at work and waiting. */
  readonly load: { readonly active: number; readonly queued: number };
}

/** A gate with nobody in it. */
export function createGate(
  limits: Pick<Limits, "maxActive" | "maxQueued" | "deadlineMs" | "retryAfterSeconds">,
): Gate {
  const waiting: (() => void)[] = [];
  let active = 0;

  /** Waits for room. Whoever stops waiting leaves the queue. */
  async function enter(signal: AbortSignal): Promise<void> {
    if (active < limits.maxActive) {
      active += 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      waiting.splice(waiting.indexOf(grant), 1);
      reject(signal.reason);
    };
    const grant = (): void => {
      signal.removeEventListener("abort", leave);
      resolve();
    };
    waiting.push(grant);
    signal.addEventListener("abort", leave, { once: true });
    await promise;
  }

  /** Hands the place to the next, or gives it back. */
  function exit(): void {
    const next = waiting.shift();
    if (next === undefined) active -= 1;
    else next();
  }

  async function admitted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    await enter(signal);
    try {
      signal.throwIfAborted();
      return await work(signal);
    } finally {
      exit();
    }
  }

  return {
    get load() {
      return { active, queued: waiting.length };
    },
    async run(signal, work) {
      signal.throwIfAborted();
      const { deadlineMs, retryAfterSeconds } = limits;
      if (active >= limits.maxActive && waiting.length >= limits.maxQueued) {
        throw new ProtocolError(
          "overloaded",
          { retryAfterSeconds },
          `Cannot take more work now: ${active} turns are at work and ${waiting.length} wait; ` +
            `try again in ${retryAfterSeconds} s`,
        );
      }
      const late = new AbortController();
      const timer = setTimeout(() => {
        late.abort(
          new ProtocolError(
            "deadline-exceeded",
            { deadlineMs, retryAfterSeconds },
            `Cannot answer in time: the turn took longer than ${deadlineMs} ms; try again in ${retryAfterSeconds} s`,
          ),
        );
      }, deadlineMs);
      const either = AbortSignal.any([signal, late.signal]);
      const { promise, reject } = Promise.withResolvers<never>();
      const gone = (): void => reject(either.reason);
      either.addEventListener("abort", gone, { once: true });
      try {
        return await Promise.race([admitted(either, work), promise]);
      } finally {
        clearTimeout(timer);
        either.removeEventListener("abort", gone);
      }
    },
  };
}
