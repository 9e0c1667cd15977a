/**
 * Form of every message. Requests are strict: an option that is not known is refused. Answers may grow members, which older
 * clients ignore.
 *
 * @module
 */
import { z } from "zod";
import type { Spent } from "../../core/policy/mod.ts";
import type { GlanceRequest, ModelCard, ModelList, PlannedPatch, WireTurn } from "./messages.ts";

const side = z.number().int().min(1).max(1 << 24);
const natural = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const share = z.number().min(0).max(1);
const size = z.object({ width: side, height: side });
const box = z.object({ x: natural, y: natural, w: side, h: side });

const budget = z.strictObject({
  patches: natural.exactOptional(),
  bytes: natural.exactOptional(),
  turns: natural.exactOptional(),
  confidence: z.number().gt(0).max(1).exactOptional(),
});

const cost = z.strictObject({
  bytesPerRequest: z.number().min(0).max(1e9),
  bytesPerPixel: z.number().min(0).max(1e3),
});

/** Options of a glance; `top` is 5 unless given. */
export const glanceRequest: z.ZodType<GlanceRequest> = z.strictObject({
  picture: z.strictObject(size.shape).exactOptional(),
  budget: budget.default({}),
  cost: cost.exactOptional(),
  point: z.string().min(1).max(64).exactOptional(),
  top: z.number().int().min(1).max(100).default(5),
});

const patch: z.ZodType<PlannedPatch> = z.object({
  id: natural,
  rank: natural,
  gain: z.number(),
  box,
  boxNorm: z.object({ x: share, y: share, w: share, h: share }),
  cell: z.object({ row: natural, column: natural }).exactOptional(),
  level: natural,
  size,
  at: z.object({ x: natural, y: natural }),
  fetch: z.object({
    kind: z.literal("upload"),
    mediaType: z.string(),
    quality: z.number().int().min(1).max(100).exactOptional(),
    expectedBytes: natural,
  }),
});

/** What has been spent. */
export const spent: z.ZodType<Spent> = z.object({ patches: natural, bytes: natural, turns: natural });

const base = {
  model: z.string(),
  version: natural,
  weightHash: z.string(),
  turn: natural,
  belief: z.object({
    top: z.array(z.object({ label: z.string(), index: natural, probability: share })).min(1),
    confidence: share,
  }),
  bytes: z.object({ received: natural, full: natural }),
  spent,
};

/** A turn. */
export const turn: z.ZodType<WireTurn> = z.discriminatedUnion("stop", [
  z.object({ ...base, stop: z.literal(false), plan: z.array(patch).min(1), state: z.string() }),
  z.object({ ...base, stop: z.literal(true), because: z.enum(["confident", "budget", "exhausted"]) }),
]);

const transfer = z.object({
  type: z.string(),
  quality: z.number().int().exactOptional(),
});

/** The card of a model. */
export const card: z.ZodType<ModelCard> = z.object({
  model: z.string(),
  version: natural,
  versions: z.array(natural),
  weightHash: z.string(),
  title: z.string(),
  method: z.string(),
  classes: z.array(z.string()),
  frame: size,
  glance: z.object({ ...size.shape, resample: z.enum(["nearest", "area", "bilinear"]) }),
  fit: z.enum(["cover", "contain", "stretch"]),
  patch: size,
  patchesTotal: natural,
  transfer: z.object({ glance: transfer, patch: transfer }),
  operatingPoints: z.array(z.object({
    name: z.string(),
    levels: z.array(share),
    confidence: share.optional(),
    split: z.string(),
    images: natural,
    accuracy: share,
    patches: z.number(),
    bytes: z.number(),
    macs: z.number(),
  })).min(1),
  license: z.string(),
});

/** The models of a server. */
export const modelList: z.ZodType<ModelList> = z.object({
  models: z.array(
    z.object({ model: z.string(), version: natural, versions: z.array(natural), title: z.string() }),
  ),
});

/** What a sealed state remembers besides the method's own state; see `state.ts`. */
export const memory = z.strictObject({
  issued: natural,
  expires: natural,
  turn: natural,
  point: z.string().max(64),
  top: z.number().int().min(1).max(100),
  picture: z.strictObject(size.shape),
  budget,
  cost,
  spent,
  plan: z.array(z.tuple([natural, z.number(), z.number(), z.number(), z.number(), side, side])).max(4096),
});
