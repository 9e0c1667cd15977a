/**
 * Where things are: boxes, grids, views of pictures in frames, crops and resampling.
 *
 * @module
 */
export * from "./boxes.ts";
export * from "./grid.ts";
export * from "./view.ts";
export * from "./resample.ts";
