/**
 * WebAssembly with SIMD: no native code, and gradients through the kernels in `wasm/`.
 *
 * @module
 */
import { getThreadsCount, setThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { EngineUnavailable, type OpenOptions, type Running } from "./engine.ts";
import { tf } from "./tf.ts";
import { registerWasmGradients } from "./wasm/mod.ts";

const BACKEND = "wasm";

/** Brings up the engine `wasm`. */
export async function bringUpWasm({ threads, wasmFolder }: OpenOptions): Promise<Running> {
  if (!await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) {
    throw new EngineUnavailable("wasm", "this runtime has no WebAssembly SIMD, which the kernels need");
  }
  if (import.meta.url.startsWith("file:")) {
    const entry = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(decodeURIComponent(new URL("./", entry).pathname));
  } else {
    // tfjs chooses the same way: threads need memory that workers share, which isolated pages have.
    const threaded = await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT");
    const name = `tfjs-backend-wasm${threaded ? "-threaded" : ""}-simd.wasm`;
    const folder = new URL(wasmFolder ?? "./", import.meta.url).href;
    await checkServed(`${folder}${name}`);
    setWasmPaths(folder);
    if (threads !== undefined) setThreadsCount(threads);
  }
  registerWasmGradients();
  if (!await tf.setBackend(BACKEND)) {
    throw new EngineUnavailable("wasm", "tfjs cannot start its WebAssembly module, the console says more");
  }
  const count = getThreadsCount();
  return {
    backend: BACKEND,
    device: `WebAssembly with SIMD, ${count} ${count === 1 ? "thread" : "threads"}`,
    version: `tfjs-backend-wasm ${version_wasm}`,
    software: false,
  };
}

/** tfjs does not say which file it missed, and once it has failed it takes no other folder. */
async function checkServed(url: string): Promise<void> {
  const status = await fetch(url, { method: "HEAD" }).then(
    (response) => response.ok ? undefined : `answers ${response.status}`,
    (error) => `is out of reach (${error instanceof Error ? error.message : String(error)})`,
  );
  if (status === undefined) return;
  const reason = `${url} ${status}, must be the file of that name from @tensorflow/tfjs-backend-wasm/dist`;
  throw new EngineUnavailable("wasm", reason);
}
