/**
 * Networks as ONNX bytes, and a reader of such bytes.
 *
 * @module
 */
export * from "./write.ts";
export * from "./read.ts";
