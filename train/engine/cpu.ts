/**
 * Plain JavaScript: slow, everywhere, and the reference the other engines are checked against.
 *
 * @module
 */
import { version_cpu } from "@tensorflow/tfjs-backend-cpu";
import type { OpenOptions, Running } from "./engine.ts";

/** Brings up the engine `cpu`. */
export function bringUpCpu(_options: OpenOptions): Promise<Running> {
  return Promise.resolve({
    backend: "cpu",
    device: "JavaScript, 1 thread",
    version: `tfjs-backend-cpu ${version_cpu}`,
    software: false,
  });
}
