/**
 * Evaluation: episodes, baselines, thresholds, calibration, curves, reports.
 *
 * @module
 */
export * from "./evaluate.ts";
export * from "./files.ts";
export * from "./fixed_order.ts";
export * from "./pictures.ts";
export * from "./play.ts";
export * from "./prefixes.ts";
export * from "./report.ts";
export * from "./temperature.ts";
export * from "./thresholds.ts";
