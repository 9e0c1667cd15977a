/**
 * What crosses the wire: messages, forms, the sealed state, failures. The specification is `docs/protocol.md`.
 *
 * @module
 */
export * from "./errors.ts";
export * from "./problems.ts";
export * from "./messages.ts";
export * from "./read.ts";
export * from "./keys.ts";
export * from "./state.ts";
export * from "./forms.ts";
