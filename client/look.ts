/**
 * The loop: a glance, then whatever the edge asks for, until it answers.
 *
 * @module
 */
import type { Box } from "../core/geometry/mod.ts";
import type { Because, Budget } from "../core/policy/mod.ts";
import {
  type AnswerTurn,
  type ErrorCode,
  isProtocolError,
  type LookTurn,
  type ModelCard,
  type PlannedPatch,
} from "../serve/protocol/mod.ts";
import type { Edge } from "./edge.ts";
import type { Source } from "./source.ts";

/** How a picture is looked at. */
export interface LookOptions {
  /** Name of the model. */
  readonly model: string;
  /** Its version. @default the highest */
  readonly version?: number;
  /** What may be spent. `bytes` is kept whatever patches turn out to weigh. */
  readonly budget?: Budget;
  /** Operating point. @default the model's first */
  readonly point?: string;
  /** Classes named in a belief. @default 5 */
  readonly top?: number;
  /** Patches got at once. @default 4 */
  readonly parallel?: number;
  /** Ends the loop. */
  readonly signal?: AbortSignal;
}

/** A patch that was sent. */
export interface SentPatch {
  /** Its id. */
  readonly id: number;
  /** In pixels of the picture. */
  readonly box: Box;
  /** Bytes of the encoded image. */
  readonly bytes: number;
}

/** What was really sent: images, without what HTTP adds. */
export interface Sent {
  /** Bytes, glance included. */
  readonly bytes: number;
  /** Bytes of the glance. */
  readonly glanceBytes: number;
  /** Decoded pixels, glance included. */
  readonly pixels: number;
  /** Patches in the order they were sent. */
  readonly patches: readonly SentPatch[];
}

/** An answer, or the last belief when the edge could not be asked again. */
export interface FinalTurn extends Omit<AnswerTurn, "because"> {
  /** Why it ended. */
  readonly because: Because | "unreachable";
}

/** A turn and what it took; the last one has `stop: true`. */
export type Look = (LookTurn | FinalTurn) & {
  /** What was sent before this turn. */
  readonly sent: Sent;
};

/** Failures after which the last belief is as good as it gets. */
const UNAVAILABLE: ReadonlySet<ErrorCode> = new Set([
  "edge-unreachable",
  "overloaded",
  "not-ready",
  "deadline-exceeded",
]);

/**
 * Looks at a picture turn by turn.
 *
 * Patches the source cannot give are left out. When the edge cannot be reached after its first turn, the loop ends with what is
 * believed then.
 *
 * @throws {ProtocolError} What the edge refuses, and `edge-unreachable` when it never answered.
 */
export async function* lookAt(
  edge: Edge,
  card: ModelCard,
  source: Source,
  options: LookOptions,
): AsyncGenerator<Look, void, void> {
  const { budget = {}, point, top, signal } = options;
  const fetching = signal === undefined ? {} : { signal };
  const [picture, glance] = await Promise.all([source.size(), source.glance(card, fetching)]);
  const request = {
    picture,
    budget,
    ...(point === undefined ? {} : { point }),
    ...(top === undefined ? {} : { top }),
  };
  let turn = await edge.glance(card, request, glance, signal);
  let sent: Sent = {
    bytes: glance.size,
    glanceBytes: glance.size,
    pixels: card.glance.width * card.glance.height,
    patches: [],
  };
  yield { ...turn, sent };
  while (!turn.stop) {
    const asked: LookTurn = turn;
    const got = await gather(source, asked.plan, options);
    const kept = affordable(got, (budget.bytes ?? Infinity) - sent.bytes);
    const images = new Map(kept.map(({ patch, image }) => [patch.id, image]));
    try {
      turn = await edge.focus(card.model, asked.state, images, signal);
    } catch (error) {
      if (!isProtocolError(error) || !UNAVAILABLE.has(error.code)) throw error;
      const { stop: _, plan: __, state: ___, ...last } = asked;
      yield { ...last, stop: true, because: "unreachable", sent };
      return;
    }
    sent = added(sent, kept);
    yield { ...turn, sent };
  }
}

interface Got {
  readonly patch: PlannedPatch;
  readonly image: Blob;
}

/** Gets the patches of a plan, some at once; those that cannot be had are missing. */
async function gather(
  source: Source,
  plan: readonly PlannedPatch[],
  { parallel = 4, signal }: LookOptions,
): Promise<Got[]> {
  const got: (Got | undefined)[] = [];
  const waiting = plan.entries();
  const work = async (): Promise<void> => {
    for (const [i, patch] of waiting) {
      signal?.throwIfAborted();
      try {
        got[i] = { patch, image: await source.patch(patch, signal === undefined ? {} : { signal }) };
      } catch {
        signal?.throwIfAborted();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, plan.length) }, work));
  return got.filter((each) => each !== undefined);
}

/** The best patches that fit into the bytes that are left. */
function affordable(got: readonly Got[], bytes: number): Got[] {
  let left = bytes;
  return got.filter(({ image }) => {
    if (image.size > left) return false;
    left -= image.size;
    return true;
  });
}

function added(sent: Sent, kept: readonly Got[]): Sent {
  const patches = kept.map(({ patch, image }) => ({ id: patch.id, box: patch.box, bytes: image.size }));
  return {
    ...sent,
    bytes: patches.reduce((total, { bytes }) => total + bytes, sent.bytes),
    pixels: kept.reduce((total, { patch: { size } }) => total + size.width * size.height, sent.pixels),
    patches: [...sent.patches, ...patches],
  };
}
