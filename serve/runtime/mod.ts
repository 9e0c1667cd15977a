/**
 * How numbers are computed: ONNX Runtime behind one interface.
 *
 * @module
 */
import { openNode } from "./node.ts";
import type { Runtime, RuntimeName, RuntimeOptions } from "./runtime.ts";
import { openWeb } from "./web.ts";

export * from "./runtime.ts";
export * from "./fake.ts";
export * from "./machine.ts";
export * from "./pool.ts";

const OPENERS: { readonly [R in RuntimeName]: (options: RuntimeOptions) => Promise<Runtime> } = {
  web: openWeb,
  node: openNode,
};

/** Every runtime there is. */
export const RUNTIMES: readonly RuntimeName[] = Object.keys(OPENERS) as RuntimeName[];

/** Whether text names a runtime. */
export function isRuntimeName(name: string): name is RuntimeName {
  return Object.hasOwn(OPENERS, name);
}

/**
 * Opens a runtime. It is exactly the one asked for: there is no silent fallback.
 *
 * @throws {Error} If it is not there: why. The original error is the `cause`.
 */
export async function openRuntime(name: RuntimeName, options: RuntimeOptions = {}): Promise<Runtime> {
  try {
    return await OPENERS[name](options);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error(`Cannot open runtime "${name}": ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
