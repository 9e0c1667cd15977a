/**
 * Boxes: half-open, `[x, x + w) x [y, y + h)`, origin top left, x right, y down.
 *
 * @module
 */

/** A box in pixels of whatever the context names. */
export interface Box {
  /** Left edge. */
  readonly x: number;
  /** Top edge. */
  readonly y: number;
  /** Width. */
  readonly w: number;
  /** Height. */
  readonly h: number;
}

/** Width and height in pixels. */
export interface Size {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** The box of a whole picture. */
export function whole({ width, height }: Size): Box {
  return { x: 0, y: 0, w: width, h: height };
}

/** Area in square pixels. */
export function area({ w, h }: Box): number {
  return w * h;
}

/** Common part of two boxes, or `undefined` when they do not meet. */
export function intersect(a: Box, b: Box): Box | undefined {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const w = Math.min(a.x + a.w, b.x + b.w) - x;
  const h = Math.min(a.y + a.h, b.y + b.h) - y;
  return w > 0 && h > 0 ? { x, y, w, h } : undefined;
}

/** The smallest box of integers that holds `box` (with a tolerance for rounding of 1e-6 px). */
export function outward({ x, y, w, h }: Box): Box {
  const left = Math.floor(x + 1e-6);
  const top = Math.floor(y + 1e-6);
  return { x: left, y: top, w: Math.ceil(x + w - 1e-6) - left, h: Math.ceil(y + h - 1e-6) - top };
}
