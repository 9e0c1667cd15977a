/**
 * Countryside from above: fields, woods, a river, roads, farms and villages.
 *
 * Nothing here knows about classes: it is what the signs have to be found in.
 *
 * @module
 */
import type { Random } from "../../core/random.ts";
import { distanceTo, meander, paintBand, paintRoad } from "./_curves.ts";
import { paintFields } from "./_fields.ts";
import { paintGrove, paintLandmark, paintTraffic, paintVillage } from "./_objects.ts";
import { between, type Canvas, type Color, oneOf, whole } from "./_paint.ts";

const WATERS: readonly Color[] = [[66, 92, 104], [74, 100, 96], [58, 84, 104]];

/** Paints the whole ground and everything on it that is not a pad. */
export function paintTerrain(canvas: Canvas, random: Random): void {
  paintFields(canvas, random);
  const crowd = (canvas.size / 512) ** 2;
  const river = random() < 0.45 ? meander(random, canvas.size) : undefined;
  if (river !== undefined) {
    const width = between(random, 11, 22);
    paintBand(canvas, river, { half: width + 5, color: [156, 146, 112], fine: 0.14 });
    paintBand(canvas, river, { half: width, color: oneOf(random, WATERS), fine: 0.05 });
  }
  const roads = Array.from({ length: whole(random, 1, 2) }, () => meander(random, canvas.size));
  for (const road of roads) paintRoad(canvas, road, random);
  const bands = river === undefined ? roads : [river, ...roads];
  const isFree = (x: number, y: number, reach: number): boolean =>
    bands.every((band) => distanceTo(band, x, y) > reach + (band === river ? 24 : 9));
  const villages = Math.max(1, Math.round(whole(random, 2, 3) * crowd));
  for (let village = 0; village < villages; village++) paintVillage(canvas, random, isFree);
  const singles = Math.round(whole(random, 3, 6) * crowd);
  for (let single = 0; single < singles; single++) {
    const [x, y] = [random() * canvas.size, random() * canvas.size];
    if (isFree(x, y, 38)) paintLandmark(canvas, random, x, y);
  }
  const groves = Math.round(whole(random, 14, 26) * crowd);
  for (let grove = 0; grove < groves; grove++) paintGrove(canvas, random, isFree);
  for (const road of roads) paintTraffic(canvas, road, random);
}
