/**
 * What a training run says and writes down: metrics, TensorBoard event files, curves, a report, progress.
 *
 * @module
 */
export * from "./chart.ts";
export * from "./curves.ts";
export * from "./finite.ts";
export * from "./metrics.ts";
export * from "./progress.ts";
export * from "./report.ts";
export * from "./run_log.ts";
export * from "./tensorboard.ts";
