/** A text that belongs beside a place, in px. */
export interface Anchor {
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** Where texts may be. */
export interface LabelArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Mean width of a letter. */
  readonly letterPx: number;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const LINE_PX = 11;
const GAP_PX = 6;

/**
 * Puts each text right or left of its place, above or below, where it covers no other text and no other place.
 *
 * @returns Left end and baseline of those that fit, in the order given; the others are left out.
 */
export function placeLabels(anchors: readonly Anchor[], area: LabelArea): Anchor[] {
  const taken: Box[] = anchors.map(({ x, y }) => ({ left: x - 3, right: x + 3, top: y - 3, bottom: y + 3 }));
  const placed: Anchor[] = [];
  for (const { text, x, y } of anchors) {
    const width = text.length * area.letterPx;
    for (const [left, baseline] of candidates(x, y, width)) {
      const box = { left, right: left + width, top: baseline - LINE_PX + 2, bottom: baseline + 2 };
      if (!inside(box, area) || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      placed.push({ text, x: left, y: baseline });
      break;
    }
  }
  return placed;
}

function candidates(x: number, y: number, width: number): readonly (readonly [number, number])[] {
  const right = x + GAP_PX;
  const left = x - GAP_PX - width;
  const above = y - GAP_PX;
  const below = y + GAP_PX + LINE_PX - 2;
  return [[right, above], [right, below], [left, above], [left, below], [x - width / 2, above - 6], [
    x - width / 2,
    below + 6,
  ]];
}

function inside(box: Box, area: Box): boolean {
  return box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom;
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
