/**
 * What one request means, without HTTP and without a runtime.
 *
 * @module
 */
export * from "./limits.ts";
export * from "./compute.ts";
export * from "./gate.ts";
export * from "./repository.ts";
export * from "./catalog.ts";
export * from "./calls.ts";
export * from "./engine.ts";
