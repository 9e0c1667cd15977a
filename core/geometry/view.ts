/**
 * How a picture of any size maps onto a model's frame, and back.
 *
 * @module
 */
import { type Box, intersect, outward, type Size, whole } from "./boxes.ts";

/**
 * How the region fills the frame: `cover` scales it evenly and cuts what is too long from the middle (resize, centre crop),
 * `contain` scales it evenly and leaves a border, `stretch` scales both axes alone.
 */
export type Fit = "cover" | "contain" | "stretch";

/** An affine, axis-aligned, invertible map: `picture = offset + frame / scale`. */
export interface View {
  /** Size of the picture in its own pixels. */
  readonly picture: Size;
  /** Frame pixels per picture pixel, horizontally and vertically. */
  readonly scale: { readonly x: number; readonly y: number };
  /** Picture position of the frame's top left corner. */
  readonly offset: { readonly x: number; readonly y: number };
}

/** What to cut out of a picture and how large to make it. */
export interface Cut {
  /** In whole picture pixels, inside the picture. */
  readonly box: Box;
  /** Size the cut is resampled to, in frame pixels (times the reduction of a glance). */
  readonly size: Size;
  /** Where its top left corner belongs in the patch; not the origin only at the border of a contained picture. */
  readonly at: { readonly x: number; readonly y: number };
}

/**
 * The view of a picture (or a region of it) in a frame.
 *
 * @throws {RangeError} If a size is not positive or the region is not inside the picture.
 */
export function viewOf(picture: Size, frame: Size, fit: Fit, region: Box = whole(picture)): View {
  const inside = region.x >= 0 && region.y >= 0 && region.w > 0 && region.h > 0 &&
    region.x + region.w <= picture.width && region.y + region.h <= picture.height;
  if (!inside) {
    throw new RangeError(
      `Cannot view region [${region.x}, ${region.y}, ${region.w}, ${region.h}]: it must lie inside the ` +
        `${picture.width} x ${picture.height} picture`,
    );
  }
  const x = frame.width / region.w;
  const y = frame.height / region.h;
  const even = fit === "cover" ? Math.max(x, y) : Math.min(x, y);
  const scale = fit === "stretch" ? { x, y } : { x: even, y: even };
  return {
    picture,
    scale,
    offset: {
      x: region.x + (region.w - frame.width / scale.x) / 2,
      y: region.y + (region.h - frame.height / scale.y) / 2,
    },
  };
}

/** A frame box in picture pixels, not rounded; it may reach outside a contained picture. */
export function toPicture({ scale, offset }: View, { x, y, w, h }: Box): Box {
  return { x: offset.x + x / scale.x, y: offset.y + y / scale.y, w: w / scale.x, h: h / scale.y };
}

/** A picture box in frame pixels; the inverse of {@link toPicture}. */
export function toFrame({ scale, offset }: View, { x, y, w, h }: Box): Box {
  return { x: (x - offset.x) * scale.x, y: (y - offset.y) * scale.y, w: w * scale.x, h: h * scale.y };
}

/**
 * What to cut out of the picture for a patch of the frame.
 *
 * @param view How the picture lies in the frame.
 * @param box The patch in frame pixels.
 * @param size Size the whole patch is decoded to.
 * @returns `undefined` when the patch shows nothing of the picture.
 */
export function cutOf(view: View, box: Box, size: Size): Cut | undefined {
  const wanted = toPicture(view, box);
  const inside = intersect(outward(wanted), whole(view.picture));
  if (inside === undefined) return undefined;
  const shown = intersect(wanted, whole(view.picture)) ?? inside;
  const [sx, sy] = [size.width / wanted.w, size.height / wanted.h];
  // A sliver at the far edge of a patch rounds to the edge; it must still have a pixel.
  const at = {
    x: Math.min(size.width - 1, Math.round((shown.x - wanted.x) * sx)),
    y: Math.min(size.height - 1, Math.round((shown.y - wanted.y) * sy)),
  };
  return {
    box: inside,
    size: {
      width: Math.min(size.width - at.x, Math.max(1, Math.round(shown.w * sx))),
      height: Math.min(size.height - at.y, Math.max(1, Math.round(shown.h * sy))),
    },
    at,
  };
}
