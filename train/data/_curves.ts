/**
 * Rivers and roads: bands along a curve.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import { between, blend, type Canvas, type Color, MASK, noiseTiles, shade } from "./_paint.ts";

/** A curve that crosses the picture: for every pixel along one axis, where it is on the other. */
export interface Curve {
  readonly vertical: boolean;
  readonly across: Float32Array;
  readonly slope: Float32Array;
}

/** A random curve. */
export function meander(random: Random, size: number): Curve {
  const start = between(random, 0.05, 0.95) * size;
  const lean = between(random, -0.7, 0.7);
  const waves = [1, 2].map((order) => ({
    swing: between(random, 0, 22) / order,
    rate: between(random, 0.006, 0.014) * order,
    phase: random() * 2 * Math.PI,
  }));
  const across = new Float32Array(size);
  const slope = new Float32Array(size);
  for (let along = 0; along < size; along++) {
    let at = start + lean * (along - size / 2);
    let rise = lean;
    for (const { swing, rate, phase } of waves) {
      at += swing * Math.sin(rate * along + phase);
      rise += swing * rate * Math.cos(rate * along + phase);
    }
    across[along] = at;
    slope[along] = rise;
  }
  return { vertical: random() < 0.5, across, slope };
}

/** Distance from a point to a curve, in pixels, nearly. */
export function distanceTo({ vertical, across, slope }: Curve, x: number, y: number): number {
  const along = Math.max(0, Math.min(across.length - 1, Math.floor(vertical ? y : x)));
  return Math.abs((vertical ? x : y) - across[along]!) / Math.sqrt(1 + slope[along]! ** 2);
}

/** Paints everything within `half` px of a curve. */
export function paintBand(
  { size, data }: Canvas,
  { vertical, across, slope }: Curve,
  band: { readonly half: number; readonly color: Color; readonly fine: number; readonly offset?: number },
): void {
  const { fine } = noiseTiles();
  for (let along = 0; along < size; along++) {
    const stretch = Math.sqrt(1 + slope[along]! ** 2);
    const middle = across[along]! + (band.offset ?? 0) * stretch;
    const reach = band.half * stretch;
    const first = Math.max(0, Math.floor(middle - reach - 1));
    const last = Math.min(size - 1, Math.ceil(middle + reach + 1));
    for (let other = first; other <= last; other++) {
      const cover = Math.min(1, (reach - Math.abs(other - middle)) / stretch + 0.5);
      if (cover <= 0) continue;
      const at = (vertical ? other + along * size : along + other * size) * 3;
      const light = 1 + (fine[((along & MASK) << 9) | (other & MASK)]! * band.fine) / 64;
      for (let c = 0; c < 3; c++) {
        data[at + c] = data[at + c]! + cover * (band.color[c]! * light - data[at + c]!);
      }
    }
  }
}

/** A road with verges, and dashes when it is wide. */
export function paintRoad(canvas: Canvas, road: Curve, random: Random): void {
  const half = between(random, 3.5, 7);
  const tone = between(random, 0.9, 1.12);
  paintBand(canvas, road, { half: half + 1.6, color: [148, 140, 116], fine: 0.1 });
  paintBand(canvas, road, { half, color: shade([122, 120, 118], tone), fine: 0.05 });
  if (half < 4.5) return;
  // Dashes: the same band, broken.
  const { vertical, across, slope } = road;
  for (let along = 0; along < canvas.size; along++) {
    if (along % 14 >= 7) continue;
    const other = Math.round(across[along]!);
    blend(
      canvas,
      vertical ? other : along,
      vertical ? along : other,
      [214, 210, 198],
      0.7 / (1 + Math.abs(slope[along]!)),
    );
  }
}
