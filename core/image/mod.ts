/**
 * Pictures: the type, reading headers before decoding, decoding and encoding.
 *
 * @module
 */
export * from "./codec.ts";
export * from "./error.ts";
export * from "./header.ts";
export * from "./raster.ts";
