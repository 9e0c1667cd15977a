import type { Point } from "./chart.ts";

/** The points of one stretch of a line. */
export interface Bucket {
  /** Mean of both coordinates. */
  readonly x: number;
  readonly y: number;
  /** Range of `y`. */
  readonly low: number;
  readonly high: number;
}

/** Groups neighbouring points, in their order, into at most `count` buckets of equal size (the last may be smaller). */
export function bucketize(points: readonly Point[], count: number): Bucket[] {
  const size = Math.ceil(points.length / count);
  const buckets: Bucket[] = [];
  for (let from = 0; from < points.length; from += size) {
    const part = points.slice(from, from + size);
    const ys = part.map((point) => point.y);
    buckets.push({ x: mean(part.map((p) => p.x)), y: mean(ys), low: Math.min(...ys), high: Math.max(...ys) });
  }
  return buckets;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
