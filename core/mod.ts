/**
 * What is true everywhere: networks as data, their ONNX form and weights, geometry, pictures, episodes, bundles. No I/O.
 *
 * @module
 */
export * from "./bundle/mod.ts";
export * from "./geometry/mod.ts";
export * from "./graph/mod.ts";
export * from "./image/mod.ts";
export * from "./onnx/mod.ts";
export * from "./policy/mod.ts";
export * from "./weights/mod.ts";
export * from "./random.ts";
export * from "./tensor.ts";
