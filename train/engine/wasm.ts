/**
 * WebAssembly with SIMD: no native code, and gradients through the kernels in `wasm/`.
 *
 * @module
 */
import { setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { EngineUnavailable, type OpenOptions, type Running } from "./engine.ts";
import { tf } from "./tf.ts";
import { registerWasmGradients } from "./wasm/mod.ts";

/** Brings up the engine `wasm`. */
export async function bringUpWasm(_options: OpenOptions): Promise<Running> {
  if (!await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) {
    throw new EngineUnavailable("wasm", "this runtime has no WebAssembly SIMD, which the kernels need");
  }
  // The package's own binaries, from disk. In a browser the page's bundler places them and tfjs's default applies.
  if (import.meta.url.startsWith("file:")) {
    const entry = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(decodeURIComponent(new URL("./", entry).pathname));
  }
  registerWasmGradients();
  return {
    backend: "wasm",
    device: "WebAssembly with SIMD, 1 thread",
    version: `tfjs-backend-wasm ${version_wasm}`,
    software: false,
  };
}
