/**
 * Saccade: decide which pixels to fetch before fetching them.
 *
 * This door has what needs neither TensorFlow.js nor ONNX Runtime: the core, the networks and the client. Training and serving
 * have doors of their own, `./train` and `./serve`.
 *
 * @example
 * ```ts ignore
 * import { connect, file } from "@saccade/saccade";
 *
 * const saccade = connect("https://edge.example");
 * const { label, confidence, savedBytes } = await saccade.classify(file(jpeg), { model: "scenes" });
 * ```
 *
 * @module
 */
export * from "./client/mod.ts";
export * from "./core/mod.ts";
export * from "./models/mod.ts";
