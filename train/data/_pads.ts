/**
 * The marks of procedural scenes: round pads of 16 px with a painted sign, 8 signs that are classes and 4 fillings
 * that are not.
 *
 * The glance must show that there is a pad and not which. So a sign is a light stroke in a dark surround whose
 * shading is solved for: among all fillings with the given strokes it has the least energy in any 8 x 8 box mean,
 * which is what a glance of 1/8 keeps. Every pad then looks like the same plain disc from afar.
 *
 * @module
 */
import { type Random, stream } from "../../core/random.ts";

/** Side of a pad, in pixels. */
export const PAD_SIDE = 16;

/** Radius of a pad's disc, in pixels. */
const RADIUS = 7.9;

/** Pixels of the full picture per pixel of the glance for which signs are hidden. */
const GLANCE_STRIDE = 8;

/** Half the width of a stroke, in pixels. */
const HALF = 1;

/** Lightest shading around a stroke: lighter would draw strokes of its own. */
const LIGHTEST = 0.3;

/** Whether a point (px from the centre, y down) belongs to a stroke. */
type Shape = (x: number, y: number) => boolean;

const SIGNS: Readonly<Record<string, Shape>> = {
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < HALF && Math.max(Math.abs(x), Math.abs(y)) < 5.5,
  saltire: (x, y) => SIGNS.cross!((x + y) * Math.SQRT1_2, (x - y) * Math.SQRT1_2),
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 4.6) < HALF,
  triangle: (x, y) => Math.abs(Math.max(y - 0.4, 0.866 * Math.abs(x) - 0.5 * y + 0.2) - 3.1) < HALF,
  bars: (x, y) => Math.abs(Math.abs(x) - 3) < HALF && Math.abs(y) < 5,
  tee: (x, y) => (Math.abs(y + 4) < HALF && Math.abs(x) < 5) || (Math.abs(x) < HALF && y > -4 && y < 5.5),
  corner: (x, y) =>
    (Math.abs(x + 3) < HALF && y > -5 && y < 4) || (Math.abs(y - 3) < HALF && x > -4 && x < 5),
  chevrons: (x, y) => Math.abs(Math.abs(y + Math.abs(x) * 0.9 - 2.2) - 3) < HALF * 1.35 && Math.abs(x) < 5.4,
};

/** Names of the signs, in label order. */
export const SIGN_NAMES: readonly string[] = Object.keys(SIGNS);

/** Fillings that are no sign. */
const FILLINGS: readonly ((x: number, y: number, random: Random) => number)[] = [
  () => 0, // plain
  (x, y) => ((Math.floor(x / 2) + Math.floor(y / 2)) & 1) === 0 ? 0.8 : -0.8, // checker
  (_x, _y, random) => 2 * random() - 1, // speckle
  (x, y) => Math.hypot(((x + 16) % 4) - 2, ((y + 16) % 4) - 2) < 1.2 ? 1 : -0.3, // dots
];

/** A pad's filling, from -1 (dark) over 0 (pad colour) to 1 (light), and how much of each pixel the pad covers. */
export interface Pad {
  /** `float64[16, 16]`; range -1 to 1. */
  readonly filling: Float64Array;
  /** `float64[16, 16]`; range 0 to 1. */
  readonly cover: Float64Array;
}

const COVER = coverage((x, y) => x * x + y * y < RADIUS * RADIUS);
const signs = new Map<number, Pad>();
let others: readonly Pad[] | undefined;

/** The pad of a class. */
export function signPad(label: number): Pad {
  let pad = signs.get(label);
  if (pad === undefined) {
    const shape = SIGNS[SIGN_NAMES[label]!]!;
    const stroke = coverage(shape);
    pad = { filling: hidden(stroke, stroke), cover: COVER };
    signs.set(label, pad);
  }
  return pad;
}

/** One of the pads that are no sign. */
export function otherPad(random: Random): Pad {
  const kind = Math.floor(random() * FILLINGS.length);
  if (others === undefined) {
    others = FILLINGS.map((filling) => {
      const noise = stream(1, "filling");
      const start = Float64Array.from(COVER, (_, i) => {
        const x = i % PAD_SIDE - PAD_SIDE / 2, y = Math.floor(i / PAD_SIDE) - PAD_SIDE / 2;
        return filling(x, y, noise);
      });
      return { filling: hidden(start, new Float64Array(start.length).fill(0.5)), cover: COVER };
    });
  }
  return others[kind]!;
}

/** Share of every pixel inside a shape, from 8 x 8 samples. */
function coverage(inside: (x: number, y: number) => boolean): Float64Array {
  const out = new Float64Array(PAD_SIDE * PAD_SIDE);
  for (let i = 0; i < out.length; i++) {
    const x = i % PAD_SIDE - PAD_SIDE / 2, y = Math.floor(i / PAD_SIDE) - PAD_SIDE / 2;
    let hits = 0;
    for (let s = 0; s < 64; s++) if (inside(x + ((s & 7) + 0.5) / 8, y + ((s >> 3) + 0.5) / 8)) hits++;
    out[i] = hits / 64;
  }
  return out;
}

/**
 * The filling nearest to `start` that a glance does not see: projected Landweber iteration on the energy of all
 * 8 x 8 box means. Where `stiffness` is 1 the start is kept.
 */
function hidden(start: Float64Array, stiffness: Float64Array): Float64Array {
  const filling = Float64Array.from(start);
  const painted = new Float64Array(start.length);
  const rows = new Float64Array(start.length);
  for (let step = 0; step < 250; step++) {
    for (let i = 0; i < painted.length; i++) painted[i] = filling[i]! * COVER[i]!;
    triangleFilter(painted, rows, 1, PAD_SIDE);
    triangleFilter(rows, painted, PAD_SIDE, 1);
    for (let i = 0; i < filling.length; i++) {
      const moved = filling[i]! - 1.5 * painted[i]! * (1 - stiffness[i]!);
      filling[i] = Math.max(-1, Math.min(Math.max(LIGHTEST, start[i]!), moved));
    }
  }
  return filling;
}

/** Along one axis: box mean over all phases, then its adjoint; together a triangle of twice the stride. */
function triangleFilter(from: Float64Array, to: Float64Array, step: number, line: number): void {
  for (let l = 0; l < PAD_SIDE; l++) {
    for (let i = 0; i < PAD_SIDE; i++) {
      let sum = 0;
      for (let j = Math.max(0, i - GLANCE_STRIDE + 1); j < Math.min(PAD_SIDE, i + GLANCE_STRIDE); j++) {
        sum += (GLANCE_STRIDE - Math.abs(i - j)) * from[l * line + j * step]!;
      }
      to[l * line + i * step] = sum / (GLANCE_STRIDE * GLANCE_STRIDE);
    }
  }
}
