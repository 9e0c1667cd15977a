/**
 * What a method may say, and to whom: the cases behind `vectors/turns.json`.
 *
 * @module
 */
import { patchBox, type View } from "../../core/geometry/mod.ts";
import { type Because, type Belief, deviceView, JPEG_COST, type Plan } from "../../core/policy/mod.ts";
import type { TurnContext } from "../../serve/engine/turns.ts";
import { tinyBundle } from "../support/tiny_bundle.ts";

/** One turn. */
export interface TurnCase {
  readonly name: string;
  readonly belief: Belief;
  readonly plan: Plan;
  readonly view: View;
  readonly context: TurnContext;
  readonly because?: Because;
}

// Weights are no part of a turn: the hash is fixed so that the vectors do not change with them.
const weightHash = "0123456789abcdef".repeat(4);
const canvas = { ...await tinyBundle({ transfer: "image/jpeg" }), weightHash };
const contained = { ...await tinyBundle({ reading: "patches", fit: "contain" }), weightHash };
const BELIEF = Float32Array.of(0.125, 0.25, 0.5, 0.0625, 0.0625);

function plan(bundle: typeof canvas, cells: readonly number[]): Plan {
  const { grid } = bundle.manifest.method;
  return cells.map((id, i) => {
    const box = patchBox(grid, id);
    return { id, box, size: { width: box.w, height: box.h }, gain: 1 - i / 8 };
  });
}

/** All cases. */
export const TURN_CASES: readonly TurnCase[] = [
  {
    name: "a plan on a picture larger than the frame, its middle cut out",
    belief: BELIEF,
    plan: plan(canvas, [5, 0, 15]),
    view: deviceView({ width: 640, height: 480 }, canvas.manifest),
    context: {
      bundle: canvas,
      turn: 0,
      top: 3,
      cost: JPEG_COST,
      spent: { patches: 0, bytes: 700, turns: 0 },
    },
  },
  {
    name: "a plan on a contained picture: the first row shows a part of it, the corner nothing",
    belief: BELIEF,
    plan: plan(contained, [1, 4, 6]),
    view: deviceView({ width: 480, height: 120 }, contained.manifest),
    context: {
      bundle: contained,
      turn: 1,
      top: 1,
      cost: { bytesPerRequest: 80, bytesPerPixel: 2 },
      spent: { patches: 2, bytes: 3_000, turns: 1 },
    },
  },
  {
    name: "an answer",
    belief: BELIEF,
    plan: [],
    view: deviceView({ width: 32, height: 32 }, canvas.manifest),
    context: {
      bundle: canvas,
      turn: 2,
      top: 100,
      cost: JPEG_COST,
      spent: { patches: 4, bytes: 3_500, turns: 2 },
    },
    because: "confident",
  },
];
