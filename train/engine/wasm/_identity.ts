/**
 * `Identity` for the wasm backend, in place of its own, which copies. tfjs runs it on every tensor it keeps for a gradient, and
 * values are never written to after a kernel has made them.
 */

import type { tf } from "../tf.ts";
import type { WasmBackend } from "./_module.ts";

/** Input of the kernel: any tensor of numbers. */
export interface IdentityInputs {
  readonly x: tf.TensorInfo;
}

/** The same values under another name; they are freed when the last of their tensors is. */
export function identity(backend: WasmBackend, { x }: IdentityInputs): tf.TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
}
