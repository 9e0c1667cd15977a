/**
 * HTTP: routes, limits on bodies, problem documents, timings.
 *
 * @module
 */
export * from "./app.ts";
export { EXPOSED_HEADERS, type LogEntry, type RequestState } from "./answers.ts";
