/**
 * The grid of cells a one-shot policy chooses from. Cells are numbered row by row from the top left: `k = columns * i + j`.
 *
 * @module
 */
import type { Box, Size } from "./boxes.ts";

/** A frame cut into equal square cells, each read as a patch that may reach beyond its cell. */
export interface Grid {
  /** Cells from top to bottom. */
  readonly rows: number;
  /** Cells from left to right. */
  readonly columns: number;
  /** Side of a cell in frame pixels. */
  readonly cell: number;
  /** Pixels the patch reaches beyond its cell on every side. */
  readonly halo: number;
}

/** Number of cells, `K`. */
export function cellCount({ rows, columns }: Grid): number {
  return rows * columns;
}

/** Side of a patch in frame pixels. */
export function patchSide({ cell, halo }: Grid): number {
  return cell + 2 * halo;
}

/** Size of the frame a grid covers. */
export function frameOf({ rows, columns, cell }: Grid): Size {
  return { width: columns * cell, height: rows * cell };
}

/**
 * The patch of a cell in frame pixels. At the border it is moved inside, so that every patch has the same size.
 *
 * @throws {RangeError} If there is no such cell.
 */
export function patchBox(grid: Grid, cell: number): Box {
  if (!Number.isInteger(cell) || cell < 0 || cell >= cellCount(grid)) {
    throw new RangeError(`Cannot place patch: cell is ${cell}, must be in 0 to ${cellCount(grid) - 1}`);
  }
  const side = patchSide(grid);
  const { width, height } = frameOf(grid);
  const clamp = (corner: number, room: number): number =>
    Math.min(Math.max(corner - grid.halo, 0), room - side);
  const x = clamp((cell % grid.columns) * grid.cell, width);
  const y = clamp(Math.floor(cell / grid.columns) * grid.cell, height);
  return { x, y, w: side, h: side };
}

/**
 * Cells by distance of their centre from the centre of the frame, nearest first; equal distances row by row.
 */
export function centerOrder(grid: Grid): Int32Array {
  const distance = (k: number): number =>
    Math.hypot(
      (k % grid.columns) - (grid.columns - 1) / 2,
      Math.floor(k / grid.columns) - (grid.rows - 1) / 2,
    );
  return Int32Array.from({ length: cellCount(grid) }, (_, k) => k)
    .sort((a, b) => distance(a) - distance(b) || a - b);
}
