/**
 * Bundles: one trained, immutable, integer-versioned model.
 *
 * @module
 */
export * from "./manifest.ts";
export * from "./bundle.ts";
export * from "./golden.ts";
