/**
 * Fields, hedges and woods.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import {
  AREA_MASK,
  between,
  type Canvas,
  type Color,
  noiseTiles,
  oneOf,
  shade,
  TILE,
  whole,
} from "./_paint.ts";

/** A kind of field: colour, strength of grain, patches and rows. */
interface Field {
  readonly color: Color;
  readonly fine: number;
  readonly coarse: number;
  readonly rows: number;
}

const FIELDS: readonly Field[] = [
  { color: [104, 128, 70], fine: 0.10, coarse: 0.10, rows: 7 },
  { color: [124, 142, 82], fine: 0.08, coarse: 0.12, rows: 4 },
  { color: [86, 112, 64], fine: 0.12, coarse: 0.08, rows: 9 },
  { color: [138, 150, 96], fine: 0.08, coarse: 0.16, rows: 0 },
  { color: [178, 164, 112], fine: 0.08, coarse: 0.08, rows: 6 },
  { color: [162, 146, 100], fine: 0.09, coarse: 0.10, rows: 8 },
  { color: [132, 110, 84], fine: 0.12, coarse: 0.10, rows: 10 },
  { color: [116, 98, 76], fine: 0.14, coarse: 0.10, rows: 7 },
  { color: [112, 130, 84], fine: 0.14, coarse: 0.20, rows: 0 },
];
const WOOD: Field = { color: [58, 80, 50], fine: 0.34, coarse: 0.10, rows: 0 };
const HEDGE: Field = { color: [66, 88, 56], fine: 0.34, coarse: 0.05, rows: 0 };
const TRACK: Field = { color: [168, 154, 122], fine: 0.10, coarse: 0.05, rows: 0 };

/** Fields: a rectangle turned by a random angle, split into parcels, each with its own crop and direction. */
export function paintFields({ size, data }: Canvas, random: Random): void {
  const { fine, coarse } = noiseTiles();
  const angle = random() * Math.PI / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const extent = Math.ceil(size * (cos + sin)) + 2;
  const originU = size * sin; // so that u = x cos - y sin + originU is never negative
  const map = new Uint8Array(extent * extent);
  const parcels = new Parcels();
  parcels.add(HEDGE, true, flat);
  parcels.add(TRACK, true, flat);

  const fill = (u: number, v: number, w: number, h: number, id: number): void => {
    for (let row = v; row < v + h; row++) map.fill(id, row * extent + u, row * extent + u + w);
  };
  const split = (u: number, v: number, w: number, h: number): void => {
    const long = Math.max(w, h);
    if (long > 230 || (long > 120 && random() < 0.75)) {
      const cut = Math.round(long * between(random, 0.36, 0.64));
      const border = random() < 0.2 ? 1 : 0;
      const gap = border === 1 ? 4 : whole(random, 0, 4);
      if (w >= h) {
        split(u, v, cut, h);
        split(u + cut + gap, v, w - cut - gap, h);
        fill(u + cut, v, gap, h, border);
      } else {
        split(u, v, w, cut);
        split(u, v + cut + gap, w, h - cut - gap);
        fill(u, v + cut, w, gap, border);
      }
      return;
    }
    // A very large picture runs out of ids and repeats crops.
    const id = parcels.count < 256 ? parcels.count : 2 + whole(random, 0, 253);
    if (id === parcels.count) {
      const kind = random() < 0.12 ? WOOD : oneOf(random, FIELDS);
      const light = between(random, 0.9, 1.1);
      const waves = 64 / oneOf(random, [4, 8, 16]); // rows in 64 px
      const depth = (kind.rows * between(random, 0.5, 1)) / 128;
      parcels.add(
        { ...kind, color: shade(kind.color, light) },
        random() < 0.5,
        (i) => 1 + depth * Math.sin((2 * Math.PI * i * waves) / 64),
      );
    }
    fill(u, v, w, h, id);
  };
  split(0, 0, extent, extent);

  const shift = Math.floor(random() * TILE * TILE);
  const drift = Math.floor(random() * TILE * TILE);
  const { colors, grains, patches, rows, along } = parcels;
  for (let y = 0, at = 0; y < size; y++) {
    const rowU = originU - y * sin, rowV = y * cos;
    for (let x = 0; x < size; x++, at += 3) {
      const grain = fine[(shift + y * TILE + x) & AREA_MASK]!;
      const patch = coarse[(drift + y * TILE + x) & AREA_MASK]!;
      // The patches also bend borders and rows a little, so that nothing is ruled.
      let u = (x * cos + rowU + patch * 0.04) | 0;
      let v = (x * sin + rowV + patch * 0.04) | 0;
      u = u < 0 ? 0 : u >= extent ? extent - 1 : u;
      v = v < 0 ? 0 : v >= extent ? extent - 1 : v;
      const id = map[v * extent + u]!;
      const row = rows[(id << 6) | ((along[id] === 1 ? u : v) & 63)]!;
      const light = row * (1 + grain * grains[id]! + patch * patches[id]!);
      data[at] = colors[id * 3]! * light;
      data[at + 1] = colors[id * 3 + 1]! * light;
      data[at + 2] = colors[id * 3 + 2]! * light * (1 - patch * 0.0006);
    }
  }
}

const flat = (): number => 1;

/** Up to 256 parcels as columns of numbers: the pixel loop reads nothing else. */
class Parcels {
  count = 0;
  readonly colors: Float32Array = new Float32Array(256 * 3);
  readonly grains: Float32Array = new Float32Array(256);
  readonly patches: Float32Array = new Float32Array(256);
  readonly rows: Float32Array = new Float32Array(256 * 64);
  readonly along: Uint8Array = new Uint8Array(256);

  add(field: Field, along: boolean, row: (i: number) => number): void {
    const id = this.count++;
    this.colors.set(field.color, id * 3);
    this.grains[id] = field.fine / 64;
    this.patches[id] = field.coarse / 64;
    this.along[id] = along ? 1 : 0;
    for (let i = 0; i < 64; i++) this.rows[id * 64 + i] = row(i);
  }
}
