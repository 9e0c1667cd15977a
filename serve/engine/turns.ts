/**
 * Turns as they are written to the wire: the method speaks of its frame, the client of its picture.
 *
 * @module
 */
import type { Bundle } from "../../core/bundle/mod.ts";
import { type Box, cutOf, type Size, type View } from "../../core/geometry/mod.ts";
import {
  type Belief,
  expectedBytes,
  JPEG_COST,
  type Patch,
  type Plan,
  type SourceCost,
  type Spent,
} from "../../core/policy/mod.ts";
import type { PlannedPatch, TurnBase, WireBelief } from "../protocol/mod.ts";

type MediaType = Bundle["manifest"]["transfer"]["patch"]["type"];

/** What patches of a format usually cost, where the caller does not say. */
const COSTS: { readonly [T in MediaType]: SourceCost } = {
  "image/jpeg": JPEG_COST,
  // Filters and deflate of natural pictures: about 2 of 3 bytes a pixel; signature, header and trailer of the file.
  "image/png": { bytesPerRequest: 80, bytesPerPixel: 2 },
  "image/webp": { bytesPerRequest: 60, bytesPerPixel: 0.15 },
};

/** What fetching a patch of a model usually costs. */
export function usualCost({ manifest }: Bundle): SourceCost {
  return COSTS[manifest.transfer.patch.type];
}

/** What has to be known to write a turn. */
export interface TurnContext {
  /** Model. */
  readonly bundle: Bundle;
  /** Number of the turn. */
  readonly turn: number;
  /** Classes to name. */
  readonly top: number;
  /** What fetching costs. */
  readonly cost: SourceCost;
  /** What has been spent. */
  readonly spent: Spent;
}

/** What every turn says. */
export function turnBase(belief: Belief, { bundle, turn, top, cost, spent }: TurnContext): TurnBase {
  const { manifest, weightHash } = bundle;
  const full = cost.bytesPerRequest + cost.bytesPerPixel * manifest.frame.width * manifest.frame.height;
  return {
    model: manifest.id,
    version: manifest.version,
    weightHash,
    turn,
    belief: beliefOf(belief, manifest.classes, top),
    bytes: { received: spent.bytes, full: Math.round(full) },
    spent,
  };
}

function beliefOf(belief: Belief, classes: readonly string[], top: number): WireBelief {
  const order = Array.from(belief.keys()).sort((a, b) => belief[b]! - belief[a]! || a - b).slice(0, top);
  const guesses = order.map((index) => ({
    label: classes[index]!,
    index,
    // A softmax in float32 can end a rounding above 1.
    probability: Math.min(1, belief[index]!),
  }));
  return { top: guesses, confidence: guesses[0]!.probability };
}

/** A plan in pixels of the picture. Patches that show nothing of it are left out. */
export function wirePlan(plan: Plan, view: View, { bundle, cost }: TurnContext): PlannedPatch[] {
  const { method: { grid }, transfer: { patch: { type, quality } } } = bundle.manifest;
  return plan.flatMap((patch) => {
    const cut = cutOf(view, patch.box, patch.size);
    return cut === undefined ? [] : [{ patch, cut }];
  }).map(({ patch, cut }, rank): PlannedPatch => ({
    id: patch.id,
    rank,
    gain: patch.gain,
    box: cut.box,
    boxNorm: normalized(cut.box, view.picture),
    cell: { row: Math.floor(patch.id / grid.columns), column: patch.id % grid.columns },
    level: 0,
    size: cut.size,
    at: cut.at,
    fetch: {
      kind: "upload",
      mediaType: type,
      ...(quality === undefined ? {} : { quality }),
      expectedBytes: Math.round(expectedBytes([{ ...patch, size: cut.size } satisfies Patch], cost)),
    },
  }));
}

function normalized({ x, y, w, h }: Box, { width, height }: Size): Box {
  return { x: x / width, y: y / height, w: w / width, h: h / height };
}
