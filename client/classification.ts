/**
 * What a classification came to.
 *
 * @module
 */
import type { Because } from "../core/policy/mod.ts";
import type { Guess, ModelCard } from "../serve/protocol/mod.ts";
import type { Look, SentPatch } from "./look.ts";
import type { Source } from "./source.ts";

/** An answer and what it took. */
export interface Classification {
  /** Name of the likeliest class. */
  readonly label: string;
  /** Its position in the card's `classes`. */
  readonly index: number;
  /** Its probability. */
  readonly confidence: number;
  /** The likeliest classes, likeliest first. */
  readonly top: readonly Guess[];
  /** Model that answered. */
  readonly model: string;
  /** Its version. */
  readonly version: number;
  /** Why it ended; "unreachable": the edge could not be asked again and this is what was believed then. */
  readonly because: Because | "unreachable";
  /** Turns of looking. */
  readonly turns: number;
  /** Patches sent. */
  readonly patches: number;
  /** Patches that cover the frame. */
  readonly patchesTotal: number;
  /** What was sent, where in the picture. */
  readonly fetched: readonly SentPatch[];
  /** Bytes of the images sent, glance included. */
  readonly bytes: number;
  /** Bytes of the glance. */
  readonly glanceBytes: number;
  /** Bytes of the whole picture. */
  readonly wholeBytes: number;
  /** `wholeBytes - bytes`; negative when looking cost more than sending everything. */
  readonly savedBytes: number;
  /** Decoded pixels sent, glance included, by pixels of the picture. */
  readonly pixelShare: number;
}

/** Adds up the last turn of a loop. */
export async function summarize(source: Source, card: ModelCard, last: Look): Promise<Classification> {
  const { belief: { top }, sent, spent } = last;
  const [{ width, height }, wholeBytes] = await Promise.all([
    source.size(),
    source.wholeBytes(card.transfer.patch),
  ]);
  const [{ label, index, probability }] = top as readonly [Guess, ...Guess[]];
  return {
    label,
    index,
    confidence: probability,
    top,
    model: last.model,
    version: last.version,
    because: last.stop ? last.because : "unreachable",
    turns: spent.turns,
    patches: sent.patches.length,
    patchesTotal: card.patchesTotal,
    fetched: sent.patches,
    bytes: sent.bytes,
    glanceBytes: sent.glanceBytes,
    wholeBytes,
    savedBytes: wholeBytes - sent.bytes,
    pixelShare: sent.pixels / (width * height),
  };
}
