/**
 * Procedural scenes: seeded aerial pictures whose class is the sign on one small pad.
 *
 * A pad is 16 px across at every picture size. Among {@link SCENE_CLASSES} signs one is the label; 4 to 6 other pads
 * per 512 x 512 px have the same size, colours and mean but no sign. A glance of 1/8 shows all pads and hides the
 * signs; roofs, halls, tanks and pools are larger or brighter than any pad; the place of the sign is uniform.
 *
 * @module
 */
import type { Box } from "../../core/geometry/boxes.ts";
import type { Raster } from "../../core/image/raster.ts";
import { permutation, type Random, stream } from "../../core/random.ts";
import { type Dataset, sha256 } from "./dataset.ts";
import { otherPad, type Pad, PAD_SIDE, SIGN_NAMES, signPad } from "./_pads.ts";
import type { Canvas, Color } from "./_paint.ts";
import { paintTerrain } from "./_terrain.ts";

/** Version of the renderer, part of every scene data set's hash: raise it whenever pixels change. */
export const SCENES_VERSION = 1;

/** Names of the classes, in label order. */
export const SCENE_CLASSES: readonly string[] = SIGN_NAMES;

/** Which scene to render. */
export interface SceneOptions {
  /** Seed of the whole data set; any integer. */
  readonly seed: number;
  /** Number of the scene, 0 or more. */
  readonly index: number;
  /** Part the scene belongs to; different parts share no scene. @default "train" */
  readonly split?: string;
  /** Side of the picture, in pixels; range 96 to 2048. @default 512 */
  readonly size?: number;
}

/** A scene as a source of a data set. */
export interface SceneSource extends SceneOptions {
  /** What makes it a scene. */
  readonly kind: "scene";
}

/** A rendered scene. */
export interface Scene {
  /** `uint8[size, size, 3]`. */
  readonly image: Raster;
  /** Index into {@link SCENE_CLASSES}. */
  readonly label: number;
  /** The pad with the sign. */
  readonly box: Box;
  /** The pads without. */
  readonly distractors: readonly Box[];
}

/** Colours of a pad: light and dark are equally far from the middle, so any balanced filling has its mean. */
interface Scheme {
  readonly middle: Color;
  readonly swing: Color;
}

const SCHEMES: readonly Scheme[] = [
  { middle: [178, 78, 96], swing: [74, 74, 74] },
  { middle: [80, 108, 176], swing: [72, 74, 72] },
  { middle: [182, 118, 72], swing: [70, 72, 66] },
  { middle: [140, 88, 172], swing: [74, 74, 74] },
];

/** Distance between pad centres, in pixels, at least. */
const SPACING = 40;

/** Label of a scene without rendering it: every block of 8 scenes holds every class once. */
export function sceneLabel({ seed, index, split = "train" }: SceneOptions): number {
  const count = SCENE_CLASSES.length;
  const block = permutation(count, stream(seed, `scenes/${split}/labels/${Math.floor(index / count)}`));
  return block[index % count]!;
}

/**
 * Renders one scene. The same options give the same pixels everywhere.
 *
 * @throws {RangeError} If the size or index is outside its range.
 */
export function renderScene(options: SceneOptions): Scene {
  const { seed, index, split = "train", size = 512 } = options;
  if (!Number.isInteger(size) || size < 96 || size > 2048) {
    throw new RangeError(`Cannot render scene: size is ${size}, must be an integer from 96 to 2048`);
  }
  if (!Number.isInteger(index) || index < 0) {
    throw new RangeError(`Cannot render scene: index is ${index}, must be an integer of 0 or more`);
  }
  const label = sceneLabel(options);
  const canvas: Canvas = { size, data: new Uint8ClampedArray(size * size * 3) };
  paintTerrain(canvas, stream(seed, `scenes/${split}/${index}/terrain`));

  const random = stream(seed, `scenes/${split}/${index}/pads`);
  const scheme = SCHEMES[Math.floor(random() * SCHEMES.length)]!;
  const box = place(random, size);
  const wanted = Math.max(1, Math.round((4 + Math.floor(random() * 3)) * (size / 512) ** 2));
  const distractors: Box[] = [];
  for (let tries = 0; distractors.length < wanted && tries < wanted * 50; tries++) {
    const one = place(random, size);
    const free = [box, ...distractors].every(({ x, y }) => Math.hypot(x - one.x, y - one.y) >= SPACING);
    if (free) distractors.push(one);
  }
  paintPad(canvas, { pad: signPad(label), at: box, scheme, random });
  for (const at of distractors) paintPad(canvas, { pad: otherPad(random), at, scheme, random });
  develop(canvas, random);
  return {
    image: { width: size, height: size, data: new Uint8Array(canvas.data.buffer) },
    label,
    box,
    distractors,
  };
}

/** A place for a pad, uniform over the picture, wholly inside. */
function place(random: Random, size: number): Box {
  const room = size - PAD_SIDE + 1;
  return { x: Math.floor(random() * room), y: Math.floor(random() * room), w: PAD_SIDE, h: PAD_SIDE };
}

/** Paints a pad with its shadow, turned by a multiple of 90 degrees, unevenly lit. */
function paintPad(
  { size, data }: Canvas,
  x: { readonly pad: Pad; readonly at: Box; readonly scheme: Scheme; readonly random: Random },
): void {
  const { pad, at, scheme, random } = x;
  const turn = Math.floor(random() * 4);
  // The uneven light is there to drown what little of a sign the glance may keep.
  const lift = 16 * (random() - 0.5);
  const slopeX = 2.2 * (random() - 0.5), slopeY = 2.2 * (random() - 0.5);
  const last = PAD_SIDE - 1;
  for (let py = 0; py < PAD_SIDE + 3; py++) {
    for (let px = 0; px < PAD_SIDE + 3; px++) {
      const [imageX, imageY] = [at.x + px, at.y + py];
      if (imageX >= size || imageY >= size) continue;
      const pixel = (imageY * size + imageX) * 3;
      const shadow = px >= 2 && py >= 2
        ? pad.cover[Math.min(last, py - 2) * PAD_SIDE + Math.min(last, px - 2)]!
        : 0;
      const inside = px <= last && py <= last;
      const cover = inside ? pad.cover[py * PAD_SIDE + px]! : 0;
      let [tx, ty] = [px, py];
      for (let quarter = 0; quarter < turn; quarter++) [tx, ty] = [ty, last - tx];
      const filling = inside ? pad.filling[ty * PAD_SIDE + tx]! : 0;
      const light = lift + slopeX * (px - last / 2) + slopeY * (py - last / 2);
      for (let c = 0; c < 3; c++) {
        const ground = data[pixel + c]! * (1 - 0.45 * shadow * (1 - cover));
        const paint = scheme.middle[c]! + scheme.swing[c]! * filling + light;
        data[pixel + c] = ground + cover * (paint - ground);
      }
    }
  }
}

/** Camera: brightness and warmth of the day. */
function develop({ data }: Canvas, random: Random): void {
  const light = 0.94 + 0.12 * random();
  const warmth = 0.05 * (random() - 0.5);
  const gains = [light * (1 + warmth), light, light * (1 - warmth)].map((gain) =>
    Uint8ClampedArray.from({ length: 256 }, (_, value) => value * gain)
  );
  const [red, green, blue] = gains as [Uint8ClampedArray, Uint8ClampedArray, Uint8ClampedArray];
  for (let i = 0; i < data.length; i += 3) {
    data[i] = red[data[i]!]!;
    data[i + 1] = green[data[i + 1]!]!;
    data[i + 2] = blue[data[i + 2]!]!;
  }
}

/** Which scenes make a data set. */
export interface SceneDatasetOptions {
  /** Any integer. */
  readonly seed: number;
  /** Number of scenes; 1 or more. */
  readonly count: number;
  /** Side of the pictures, in pixels; range 96 to 2048. @default 512 */
  readonly size?: number;
  /** Part; different parts share no scene. @default "train" */
  readonly split?: string;
}

/**
 * Scenes 0 to `count - 1` of a part. Nothing is rendered until it is asked for.
 *
 * @throws {RangeError} If the count is not a positive integer.
 */
export async function sceneDataset(options: SceneDatasetOptions): Promise<Dataset> {
  const { seed, count, size = 512, split = "train" } = options;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`Cannot make scenes: count is ${count}, must be an integer of 1 or more`);
  }
  const source = (index: number): SceneSource => {
    if (!(index >= 0 && index < count)) {
      throw new RangeError(`Cannot read scene ${index}: there are ${count}`);
    }
    return { kind: "scene", seed, index, size, split };
  };
  return {
    name: `scenes/${split}`,
    classes: SCENE_CLASSES,
    length: count,
    hash: await sha256(`scenes:${SCENES_VERSION}:${seed}:${split}:${count}:${size}`),
    labels: Int32Array.from({ length: count }, (_, index) => sceneLabel({ seed, index, split })),
    source,
    where: (index) => `scene ${index} of seed ${seed}, ${split}, ${size} px`,
  };
}
