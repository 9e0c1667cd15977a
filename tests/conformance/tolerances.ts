/**
 * How far each backend may be from the float64 reference, as a share of the largest absolute value of the reference (at least
 * 1). One table; every row says why it is what it is.
 *
 * @module
 */
import type { OpName } from "../../core/graph/mod.ts";

/** Something that runs cases. */
export type Backend = "ort-web" | "ort-node" | "node" | "wasm" | "cpu" | "webgpu";

/** One row. */
export interface Tolerance {
  /** Of results. */
  readonly forward: number;
  /** Of gradients; `null` where there are none. */
  readonly gradient: number | null;
  /** Operations whose results are less exact. */
  readonly except?: { readonly [K in OpName]?: number };
  /** Why. */
  readonly reason: string;
}

/** By dtype, then backend. */
export const TOLERANCES: { readonly float32: { readonly [B in Backend]: Tolerance } } = {
  float32: {
    "ort-web": {
      forward: 1e-6,
      gradient: null,
      except: { resizeBilinear: 1e-5 },
      reason: "sums of some hundred float32 products; Resize computes positions up to 49 in float32",
    },
    "ort-node": {
      forward: 1e-6,
      gradient: null,
      except: { resizeBilinear: 1e-5 },
      reason: "as ort-web, in another order of summation",
    },
    node: { forward: 1e-6, gradient: 2e-6, reason: "as ONNX Runtime; gradients sum over batch and pixels" },
    wasm: { forward: 1e-6, gradient: 2e-6, reason: "as node" },
    cpu: { forward: 1e-6, gradient: 2e-6, reason: "sums in double precision, stores float32" },
    webgpu: {
      forward: 1e-4,
      gradient: 5e-4,
      reason: "shaders may fuse, reorder and use fast exp and division",
    },
  },
};

/** Tolerance of the results of an operation. */
export function forwardTolerance(backend: Backend, op: OpName): number {
  const { forward, except } = TOLERANCES.float32[backend];
  return except?.[op] ?? forward;
}
