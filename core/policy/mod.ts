/**
 * Episodes: methods, budgets, baselines.
 *
 * @module
 */
export * from "./method.ts";
export * from "./budget.ts";
export * from "./pixels.ts";
export * from "./reading.ts";
export * from "./grid_state.ts";
export * from "./grid.ts";
export * from "./patchdrop.ts";
export * from "./baselines.ts";
export * from "./runner.ts";
export * from "./device.ts";
