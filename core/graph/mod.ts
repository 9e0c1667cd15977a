/**
 * Networks as data: vocabulary, graphs, builder, verification, printing, cost, initial values, rewrites.
 *
 * @module
 */
export * from "./ops.ts";
export * from "./graph.ts";
export * from "./builder.ts";
export * from "./verify.ts";
export * from "./shape.ts";
export * from "./cost.ts";
export * from "./init.ts";
export * from "./print.ts";
export * from "./rewrite.ts";
