/**
 * What stands on the ground: houses, halls, tanks, cars, trees.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import type { Curve } from "./_curves.ts";
import {
  AREA_MASK,
  between,
  blend,
  type Canvas,
  type Color,
  noiseTiles,
  oneOf,
  paintDisc,
  paintSlab,
  shade,
  TILE,
  whole,
} from "./_paint.ts";

const SHADOW: Color = [28, 32, 30];
const ROOFS: readonly Color[] = [[142, 96, 78], [128, 88, 74], [150, 112, 90], [118, 112, 108], [
  150,
  146,
  140,
], [104, 92, 86]];

/** A house with a ridge: one side in the light, shadow to the lower right. */
function paintHouse(canvas: Canvas, random: Random, x: number, y: number, angle: number): void {
  const halfW = between(random, 9, 17), halfH = between(random, 6, 9.5);
  const roof = shade(oneOf(random, ROOFS), between(random, 0.9, 1.12));
  const sunny = shade(roof, 1.18), shady = shade(roof, 0.82);
  paintSlab(canvas, { x: x + 3, y: y + 3, halfW, halfH, angle, opacity: 0.5, tint: () => SHADOW });
  const turned = Math.cos(angle) > 0;
  paintSlab(canvas, { x, y, halfW, halfH, angle, tint: (_u, v) => (v < 0) === turned ? sunny : shady });
}

/** Whether something of a given reach (px) fits at a place without touching water or road. */
export type Free = (x: number, y: number, reach: number) => boolean;

/** A few houses with gardens in rows. */
export function paintVillage(canvas: Canvas, random: Random, isFree: Free): void {
  const { size } = canvas;
  const [cx, cy] = [random() * size, random() * size];
  const angle = random() * Math.PI;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const columns = whole(random, 2, 4), rows = whole(random, 1, 2);
  const pitch = between(random, 44, 54);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (random() < 0.18) continue;
      const u = (column - (columns - 1) / 2) * pitch + between(random, -5, 5);
      const v = (row - (rows - 1) / 2) * (pitch + 6) + between(random, -5, 5);
      const [x, y] = [cx + u * cos - v * sin, cy + u * sin + v * cos];
      if (!isFree(x, y, 22)) continue;
      paintSlab(canvas, { x, y, halfW: 21, halfH: 22, angle, opacity: 0.55, tint: () => [122, 136, 88] });
      paintHouse(canvas, random, x, y, angle + (random() < 0.3 ? Math.PI / 2 : 0));
      for (let bush = 0; bush < 3; bush++) {
        paintTree(
          canvas,
          random,
          x + between(random, -22, 22),
          y + between(random, -22, 22),
          between(random, 2.5, 5),
        );
      }
    }
  }
}

/** Large or bright things that draw the eye: a hall, tanks, a parking place, a pool, a greenhouse, a quarry. */
export function paintLandmark(canvas: Canvas, random: Random, x: number, y: number): void {
  const angle = random() * Math.PI;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  switch (whole(random, 0, 5)) {
    case 0: { // hall with a bright roof
      const halfW = between(random, 24, 40), halfH = between(random, 14, 22);
      const roof = shade([236, 236, 232], between(random, 0.94, 1.06));
      const seam = shade(roof, 0.9);
      paintSlab(canvas, { x, y, halfW: halfW + 9, halfH: halfH + 9, angle, tint: () => [146, 142, 134] });
      paintSlab(canvas, { x: x + 5, y: y + 5, halfW, halfH, angle, opacity: 0.55, tint: () => SHADOW });
      paintSlab(canvas, {
        x,
        y,
        halfW,
        halfH,
        angle,
        tint: (u) => Math.abs((u * 5) % 1) < 0.12 ? seam : roof,
      });
      break;
    }
    case 1: // tanks
      for (let tank = whole(random, 2, 4); tank > 0; tank--) {
        const radius = between(random, 11, 15);
        const [tx, ty] = [x + (tank - 2) * 33 * cos, y + (tank - 2) * 33 * sin];
        paintDisc(canvas, { x: tx + 5, y: ty + 5, radius, opacity: 0.5, tint: () => SHADOW });
        paintDisc(canvas, {
          x: tx,
          y: ty,
          radius,
          tint: (dx, dy) => shade([226, 226, 220], Math.hypot(dx, dy) > 0.8 ? 0.84 : 1 - 0.1 * (dx + dy)),
        });
      }
      break;
    case 2: // parking place
      paintSlab(canvas, { x, y, halfW: 34, halfH: 20, angle, tint: () => [134, 132, 130] });
      for (let slot = 0; slot < 18; slot++) {
        if (random() < 0.4) continue;
        const u = (slot % 9 - 4) * 7.2, v = slot < 9 ? -12 : 12;
        paintCar(canvas, random, x + u * cos - v * sin, y + u * sin + v * cos, angle + Math.PI / 2);
      }
      break;
    case 3: // pool with terrace
      paintSlab(canvas, { x, y, halfW: 16, halfH: 11, angle, tint: () => [206, 196, 176] });
      paintSlab(canvas, { x, y, halfW: 11, halfH: 6, angle, tint: () => [96, 186, 190] });
      break;
    case 4: // greenhouses
      for (let house = -1; house <= 1; house++) {
        const [hx, hy] = [x - house * 15 * sin, y + house * 15 * cos];
        paintSlab(canvas, {
          x: hx,
          y: hy,
          halfW: 30,
          halfH: 6,
          angle,
          tint: (u, v) => shade([198, 214, 206], 1 - 0.12 * v - (Math.abs((u * 6) % 1) < 0.2 ? 0.08 : 0)),
        });
      }
      break;
    default: // sand pit
      paintPit(canvas, random, x, y);
  }
}

/** Bare sand with a ragged edge, darker towards its middle. */
function paintPit(canvas: Canvas, random: Random, x: number, y: number): void {
  const { fine, coarse } = noiseTiles();
  const radius = between(random, 22, 36);
  const shift = whole(random, 0, AREA_MASK);
  for (
    let py = Math.max(0, Math.floor(y - 2 * radius));
    py <= Math.min(canvas.size - 1, y + 2 * radius);
    py++
  ) {
    for (
      let px = Math.max(0, Math.floor(x - 2 * radius));
      px <= Math.min(canvas.size - 1, x + 2 * radius);
      px++
    ) {
      const noise = shift + py * TILE + px;
      const grain = fine[noise & AREA_MASK]! / 127, patch = coarse[noise & AREA_MASK]! / 127;
      const depth = radius * (1 + 0.9 * patch) + 2.5 * grain - Math.hypot(px - x, (py - y) * 1.3);
      if (depth <= 0) continue;
      const terrace = Math.floor(depth / 6) & 1;
      blend(
        canvas,
        px,
        py,
        shade([196, 180, 142], 1 + 0.08 * grain - 0.06 * terrace),
        Math.min(1, depth / 2),
      );
    }
  }
}

function paintCar(canvas: Canvas, random: Random, x: number, y: number, angle: number): void {
  const paint = oneOf<Color>(random, [[226, 226, 224], [60, 62, 66], [150, 152, 156], [128, 58, 52], [
    64,
    82,
    112,
  ]]);
  paintSlab(canvas, { x: x + 1, y: y + 1, halfW: 4.4, halfH: 2.2, angle, opacity: 0.5, tint: () => SHADOW });
  paintSlab(canvas, {
    x,
    y,
    halfW: 4.2,
    halfH: 2,
    angle,
    tint: (u) => u > 0.15 && u < 0.55 ? [52, 58, 66] : paint,
  });
}

/** Cars along a road, on both sides. */
export function paintTraffic(canvas: Canvas, { vertical, across, slope }: Curve, random: Random): void {
  for (let along = between(random, 10, 60); along < canvas.size; along += between(random, 24, 110)) {
    const at = Math.floor(along);
    const side = random() < 0.5 ? -2.6 : 2.6;
    const other = across[at]! + side;
    const angle = Math.atan(slope[at]!);
    if (vertical) paintCar(canvas, random, other, at, Math.PI / 2 - angle);
    else paintCar(canvas, random, at, other, angle);
  }
}

/** A crown: lit from the upper left, ragged by grain, with a shadow. */
function paintTree({ size, data }: Canvas, random: Random, x: number, y: number, radius: number): void {
  const { fine } = noiseTiles();
  const tone = between(random, 0.85, 1.2);
  const shift = whole(random, 0, TILE * TILE - 1);
  const reach = Math.ceil(radius + 2);
  for (let dy = -reach; dy <= reach + 2; dy++) {
    const py = Math.round(y) + dy;
    if (py < 0 || py >= size) continue;
    for (let dx = -reach; dx <= reach + 2; dx++) {
      const px = Math.round(x) + dx;
      if (px < 0 || px >= size) continue;
      const at = (py * size + px) * 3;
      const grain = fine[(shift + (dy + reach) * TILE + dx + reach) & AREA_MASK]! / 64;
      const crown = Math.min(1, radius + grain * 1.6 - Math.sqrt(dx * dx + dy * dy) + 0.5);
      if (crown > 0) {
        const light = tone * (1 - (0.26 * (dx + dy)) / radius + 0.3 * grain);
        data[at] = data[at]! + crown * (66 * light - data[at]!);
        data[at + 1] = data[at + 1]! + crown * (92 * light - data[at + 1]!);
        data[at + 2] = data[at + 2]! + crown * (52 * light - data[at + 2]!);
        continue;
      }
      const shadow = Math.min(1, radius - Math.sqrt((dx - 2) ** 2 + (dy - 2) ** 2) + 0.5) * 0.4;
      if (shadow > 0) { for (let c = 0; c < 3; c++) data[at + c] = data[at + c]! * (1 - shadow); }
    }
  }
}

/** Trees in a row or in a heap. */
export function paintGrove(canvas: Canvas, random: Random, isFree: Free): void {
  const [x, y] = [random() * canvas.size, random() * canvas.size];
  const angle = random() * Math.PI;
  const inRow = random() < 0.4;
  const count = whole(random, 2, inRow ? 9 : 7);
  for (let tree = 0; tree < count; tree++) {
    const u = inRow ? tree * 13 : between(random, -20, 20);
    const v = inRow ? between(random, -2, 2) : between(random, -20, 20);
    const [treeX, treeY] = [
      x + u * Math.cos(angle) - v * Math.sin(angle),
      y + u * Math.sin(angle) + v * Math.cos(angle),
    ];
    const radius = between(random, 3.5, 8.5);
    if (isFree(treeX, treeY, radius)) paintTree(canvas, random, treeX, treeY, radius);
  }
}
