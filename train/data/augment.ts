/**
 * Augmentation and normalisation. Every random choice comes from the stream handed in, so a picture's augmentation
 * depends on seed, epoch and index, never on which worker made it.
 *
 * @module
 */
import { resample } from "../../core/geometry/resample.ts";
import { type Raster, raster } from "../../core/image/raster.ts";
import type { Normalization } from "../../core/policy/mod.ts";
import { type Random, stream } from "../../core/random.ts";

/** What happens to a picture before it enters a batch. Plain data: it crosses into workers. */
export type Augmentation =
  /** Pad with black on every side, crop back at a random place, mirror with probability 1/2: the CIFAR recipe. */
  | { readonly kind: "pad-crop-flip"; readonly paddingPx: number }
  /** Mirror with probability 1/2. */
  | { readonly kind: "flip" }
  /** Random box of area share `scale` and aspect `ratio` (log-uniform), resampled to `sizePx`, mirrored or not. */
  | {
    readonly kind: "random-resized-crop";
    readonly sizePx: number;
    /** Area share; @default [0.08, 1] */
    readonly scale?: readonly [number, number];
    /** Width over height; @default [3/4, 4/3] */
    readonly ratio?: readonly [number, number];
    /** Mirror with probability 1/2; @default true */
    readonly flip?: boolean;
  }
  /** Short side to `resizePx`, then the central `sizePx` square: the usual evaluation view. No randomness. */
  | { readonly kind: "center-crop"; readonly resizePx: number; readonly sizePx: number }
  /** Stretched to a size. No randomness. */
  | { readonly kind: "resize"; readonly widthPx: number; readonly heightPx: number };

/** Statistics of the CIFAR-10 training pictures, used by PatchDrop and BlockDrop for both CIFAR sets. */
export const CIFAR_NORMALIZATION: Normalization = {
  mean: [125.3 / 255, 123.0 / 255, 113.9 / 255],
  std: [63.0 / 255, 62.1 / 255, 66.7 / 255],
};

/** Statistics of the ImageNet training pictures. */
export const IMAGENET_NORMALIZATION: Normalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** The random stream of one picture in one epoch. */
export function augmentationStream(x: { seed: number; epoch: number; index: number }): Random {
  return stream(x.seed, `augment/${x.epoch}/${x.index}`);
}

/** Where a padded crop lies relative to the picture, and whether it is mirrored. */
export interface PadCropFlip {
  /** Column of the picture that becomes column 0; range `[-padding, padding]`. */
  readonly left: number;
  /** Row of the picture that becomes row 0; range `[-padding, padding]`. */
  readonly top: number;
  /** Whether columns are reversed after the crop. */
  readonly mirrored: boolean;
}

/** The choice behind `pad-crop-flip`: three draws, always in this order. */
export function drawPadCropFlip(paddingPx: number, random: Random): PadCropFlip {
  const left = Math.floor(random() * (2 * paddingPx + 1)) - paddingPx;
  const top = Math.floor(random() * (2 * paddingPx + 1)) - paddingPx;
  return { left, top, mirrored: random() < 0.5 };
}

/**
 * One augmented picture.
 *
 * @throws {RangeError} If a size or padding is not usable.
 */
export function augment(picture: Raster, augmentation: Augmentation | undefined, random: Random): Raster {
  if (augmentation === undefined) return picture;
  switch (augmentation.kind) {
    case "pad-crop-flip":
      return shifted(picture, drawPadCropFlip(augmentation.paddingPx, random));
    case "flip":
      return shifted(picture, { left: 0, top: 0, mirrored: random() < 0.5 });
    case "random-resized-crop": {
      const box = drawResizedCrop(picture, augmentation, random);
      const { sizePx } = augmentation;
      const out = resample(picture, { box, width: sizePx, height: sizePx, method: "bilinear" });
      const mirrored = (augmentation.flip ?? true) && random() < 0.5;
      return mirrored ? shifted(out, { left: 0, top: 0, mirrored }) : out;
    }
    case "center-crop": {
      const { resizePx, sizePx } = augmentation;
      const short = Math.min(picture.width, picture.height);
      const side = (sizePx * short) / resizePx;
      if (side > short) {
        throw new RangeError(
          `Cannot crop centre: ${sizePx} px are wanted, must be at most resizePx (${resizePx})`,
        );
      }
      const box = { x: (picture.width - side) / 2, y: (picture.height - side) / 2, w: side, h: side };
      return resample(picture, { box, width: sizePx, height: sizePx, method: "bilinear" });
    }
    case "resize":
      return resample(picture, {
        width: augmentation.widthPx,
        height: augmentation.heightPx,
        method: "bilinear",
      });
  }
}

/** Box of `random-resized-crop`: ten tries, then the central box of the nearest allowed aspect (torchvision's rule). */
function drawResizedCrop(
  { width, height }: Raster,
  options: Extract<Augmentation, { kind: "random-resized-crop" }>,
  random: Random,
): { x: number; y: number; w: number; h: number } {
  const [minShare, maxShare] = options.scale ?? [0.08, 1];
  const [minRatio, maxRatio] = options.ratio ?? [3 / 4, 4 / 3];
  for (let tries = 0; tries < 10; tries++) {
    const area = width * height * (minShare + (maxShare - minShare) * random());
    const ratio = Math.exp(Math.log(minRatio) + (Math.log(maxRatio) - Math.log(minRatio)) * random());
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { x: Math.floor(random() * (width - w + 1)), y: Math.floor(random() * (height - h + 1)), w, h };
  }
  const ratio = Math.min(Math.max(width / height, minRatio), maxRatio);
  const w = Math.min(width, Math.max(1, Math.round(height * ratio)));
  const h = Math.min(height, Math.max(1, Math.round(width / ratio)));
  return { x: Math.floor((width - w) / 2), y: Math.floor((height - h) / 2), w, h };
}

/** The picture moved by whole pixels, black where it leaves its own frame, then mirrored or not. */
function shifted(picture: Raster, { left, top, mirrored }: PadCropFlip): Raster {
  const { width, height, data } = picture;
  const out = raster(width, height);
  for (let y = 0; y < height; y++) {
    const fromY = y + top;
    if (fromY < 0 || fromY >= height) continue;
    for (let x = 0; x < width; x++) {
      const fromX = (mirrored ? width - 1 - x : x) + left;
      if (fromX < 0 || fromX >= width) continue;
      const from = (fromY * width + fromX) * 3;
      const to = (y * width + x) * 3;
      out.data[to] = data[from]!;
      out.data[to + 1] = data[from + 1]!;
      out.data[to + 2] = data[from + 2]!;
    }
  }
  return out;
}
