/**
 * Brushes of the procedural scenes: noise that tiles, turned rectangles, discs.
 *
 * @module
 */
import { type Random, stream } from "../../core/random.ts";

/** A picture being painted. */
export interface Canvas {
  /** Side of the square, in pixels. */
  readonly size: number;
  /** `uint8[size, size, 3]`, clamped on writing. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** A colour; range 0 to 255. */
export type Color = readonly [number, number, number];

/** Side of the noise tiles, in pixels; a power of two. */
export const TILE = 512;
/** Wraps a coordinate into a tile. */
export const MASK = TILE - 1;
/** Wraps an index into a tile. */
export const AREA_MASK = TILE * TILE - 1;

/** Noise that repeats without a seam. */
export interface Tiles {
  /** Grain of 1 to 16 px; `int8[512, 512]`. */
  readonly fine: Int8Array;
  /** Patches of 32 to 128 px; `int8[512, 512]`. */
  readonly coarse: Int8Array;
}
let tiles: Tiles | undefined;

/** Value noise that wraps around, octaves of the given cell sides (px) and weights; range -127 to 127. */
function valueNoise(
  octaves: readonly (readonly [cellPx: number, weight: number])[],
  random: Random,
): Int8Array {
  const sum = new Float32Array(TILE * TILE);
  let total = 0;
  for (const [cell, weight] of octaves) {
    total += weight;
    const count = TILE / cell;
    const lattice = Float32Array.from({ length: count * count }, () => 2 * random() - 1);
    const ease = Float32Array.from({ length: cell }, (_, i) => (i / cell) ** 2 * (3 - 2 * (i / cell)));
    for (let y = 0; y < TILE; y++) {
      const top = Math.floor(y / cell) * count;
      const bottom = (top + count) % (count * count);
      const v = ease[y % cell]!;
      for (let left = 0, x = y * TILE; left < count; left++) {
        const right = (left + 1) % count;
        const a = lattice[top + left]! + v * (lattice[bottom + left]! - lattice[top + left]!);
        const b = lattice[top + right]! + v * (lattice[bottom + right]! - lattice[top + right]!);
        for (let i = 0; i < cell; i++, x++) sum[x]! += weight * (a + ease[i]! * (b - a));
      }
    }
  }
  return Int8Array.from(sum, (value) => Math.round((127 * value) / total));
}

/** The tiles, made on first use. */
export function noiseTiles(): Tiles {
  if (tiles === undefined) {
    const random = stream(20_240_117, "terrain");
    tiles = {
      fine: valueNoise([[1, 1], [2, 1], [4, 0.8], [8, 0.7], [16, 0.5]], random),
      coarse: valueNoise([[32, 0.5], [64, 1], [128, 1]], random),
    };
  }
  return tiles;
}

/** Uniform in `[low, high)`. */
export const between = (random: Random, low: number, high: number): number => low + (high - low) * random();
/** Uniform integer in `[low, high]`. */
export const whole = (random: Random, low: number, high: number): number =>
  Math.floor(between(random, low, high + 1));
/** One of the values. */
export const oneOf = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)]!;
/** A colour, lighter or darker. */
export const shade = ([r, g, b]: Color, factor: number): Color => [r * factor, g * factor, b * factor];

/** Mixes a colour into one pixel, if it is inside. */
export function blend({ size, data }: Canvas, x: number, y: number, color: Color, cover: number): void {
  if (x < 0 || y < 0 || x >= size || y >= size || cover <= 0) return;
  const at = (y * size + x) * 3;
  for (let c = 0; c < 3; c++) data[at + c] = data[at + c]! + Math.min(1, cover) * (color[c]! - data[at + c]!);
}

/** A turned rectangle; `tint` may vary with position inside it (from -1 to 1 along both of its axes). */
export interface Slab {
  readonly x: number;
  readonly y: number;
  readonly halfW: number;
  readonly halfH: number;
  readonly angle: number;
  readonly opacity?: number;
  readonly tint: (u: number, v: number) => Color;
}

/** Fills a turned rectangle with soft edges. */
export function paintSlab(canvas: Canvas, { x, y, halfW, halfH, angle, opacity = 1, tint }: Slab): void {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reachX = Math.abs(cos) * halfW + Math.abs(sin) * halfH + 1;
  const reachY = Math.abs(sin) * halfW + Math.abs(cos) * halfH + 1;
  for (let py = Math.max(0, Math.floor(y - reachY)); py <= Math.min(canvas.size - 1, y + reachY); py++) {
    for (let px = Math.max(0, Math.floor(x - reachX)); px <= Math.min(canvas.size - 1, x + reachX); px++) {
      const u = (px - x) * cos + (py - y) * sin;
      const v = (py - y) * cos - (px - x) * sin;
      const cover = Math.min(1, halfW - Math.abs(u) + 0.5, halfH - Math.abs(v) + 0.5);
      if (cover > 0) blend(canvas, px, py, tint(u / halfW, v / halfH), cover * opacity);
    }
  }
}

/** Fills a disc with a soft edge. */
export function paintDisc(
  canvas: Canvas,
  disc: { x: number; y: number; radius: number; opacity?: number; tint: (dx: number, dy: number) => Color },
): void {
  const { x, y, radius, opacity = 1, tint } = disc;
  for (let py = Math.max(0, Math.floor(y - radius)); py <= Math.min(canvas.size - 1, y + radius + 1); py++) {
    for (
      let px = Math.max(0, Math.floor(x - radius));
      px <= Math.min(canvas.size - 1, x + radius + 1);
      px++
    ) {
      const cover = radius - Math.hypot(px - x, py - y) + 0.5;
      if (cover > 0) {
        blend(canvas, px, py, tint((px - x) / radius, (py - y) / radius), Math.min(1, cover) * opacity);
      }
    }
  }
}
