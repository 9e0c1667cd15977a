/**
 * The compiled kernels, instantiated on the memory of a tfjs wasm backend: addresses of tensors mean the same on
 * both sides and nothing is copied.
 *
 * All three builds of the backend are covered. The simd and the plain build export their memory
 * (`module.asm.memory`); the threaded build imports a shared one (`module.wasmMemory`). A module declares whether
 * the memory it imports is shared, in one byte, which is set here to what is found.
 */

import type { tf } from "../tf.ts";
import { KERNELS_BASE64, MEMORY_LIMITS_OFFSET } from "./_kernels_wasm.ts";

/** What is used of tfjs' `BackendWasm`, whose own types leave out the memory. */
export interface WasmBackend {
  readonly wasm: {
    _malloc(bytes: number): number;
    _free(address: number): void;
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    readonly wasmMemory?: WebAssembly.Memory;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: number[], dtype: tf.DataType): tf.TensorInfo;
  /** One owner more of the values. */
  incRef(dataId: object): void;
}

/** Exports of the module, documented in `assembly/`. Arguments are int32 unless they say otherwise; addresses and steps are
 * in bytes. */
export type KernelName =
  | "clear"
  | "packRows"
  | "accumulateOuter"
  | "packFilter"
  | "convInput"
  | "depthwiseFilter"
  | "depthwiseInputRow"
  | "foldChannels"
  | "maxPool"
  | "averagePool"
  | "moments"
  | "finishMoments"
  | "normalize"
  | "normSums"
  | "finishNormSums"
  | "normInput"
  | "rectifierInput"
  | "segmentSumF32"
  | "segmentSumI32";

/** The functions of one instance. */
export type Kernels = { readonly [K in KernelName]: (...args: readonly number[]) => void };

const instances = new WeakMap<object, Kernels>();

/**
 * The kernels on the memory of `backend`, instantiated on first use and kept as long as the backend lives.
 *
 * @throws {TypeError} If the engine has no WebAssembly SIMD or the memory of the backend cannot be found.
 */
export function kernelsOf(backend: WasmBackend): Kernels {
  let kernels = instances.get(backend);
  if (kernels === undefined) {
    kernels = instantiate(memoryOf(backend));
    instances.set(backend, kernels);
  }
  return kernels;
}

/** Compiles the module for `memory`, shared or not. Exported for tests. */
export function instantiate(memory: WebAssembly.Memory): Kernels {
  const bytes = Uint8Array.from(atob(KERNELS_BASE64), (c) => c.charCodeAt(0));
  if (typeof SharedArrayBuffer !== "undefined" && memory.buffer instanceof SharedArrayBuffer) {
    bytes[MEMORY_LIMITS_OFFSET] = 3; // limits with a maximum, shared
  }
  if (!WebAssembly.validate(bytes)) {
    throw new TypeError(
      "Cannot train on wasm: the gradient kernels do not validate, the engine must support WebAssembly SIMD",
    );
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return instance.exports as unknown as Kernels;
}

function memoryOf({ wasm }: WasmBackend): WebAssembly.Memory {
  const memory = wasm.wasmMemory ?? wasm.asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) {
    throw new TypeError(
      "Cannot train on wasm: the memory of the tfjs backend was not found, " +
        "tfjs-backend-wasm must be of the 4.22 line",
    );
  }
  return memory;
}

/** The address of the values of a tensor. */
export function addressOf(backend: WasmBackend, tensor: tf.TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** Bytes that are certain to be readable past the end of scratch memory: the last block of four may reach over. */
const SLACK_BYTES = 32;

/**
 * Runs `body` with scratch memory from the backend's own heap. `bytes` lists the areas; each begins on a multiple of
 * 16 bytes. An area of 0 bytes has no address of its own.
 *
 * @throws {RangeError} If the heap is exhausted.
 */
export function withScratch<T>(
  backend: WasmBackend,
  bytes: readonly number[],
  body: (...areas: number[]) => T,
): T {
  const sizes = bytes.map((n) => n === 0 ? 0 : (n + SLACK_BYTES + 15) & ~15);
  const total = sizes.reduce((a, b) => a + b, 0);
  const base = total === 0 ? 0 : backend.wasm._malloc(total);
  if (total !== 0 && base === 0) {
    throw new RangeError(
      `Cannot compute a gradient: ${total} bytes of scratch memory are not available, ` +
        "the batch must be smaller",
    );
  }
  try {
    let at = base;
    return body(...sizes.map((n) => (at += n) - n));
  } finally {
    if (total !== 0) backend.wasm._free(base);
  }
}

/** The next multiple of four. */
export function upToFour(n: number): number {
  return (n + 3) & ~3;
}
