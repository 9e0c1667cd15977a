/**
 * Native TensorFlow inside this process: tfjs-node's kernels over an addon that `install-native` compiled.
 *
 * Only tfjs-node's kernels and backend class are loaded, not its package entry: that one looks for an addon inside
 * `node_modules` and brings file and TensorBoard handlers along.
 *
 * @module
 */
import { createRequire } from "node:module";
import os from "node:os";
import process from "node:process";
import type { Binding } from "./_native_binding.ts";
import { registerNativeKernels } from "./_native_registry.ts";
import { Replay } from "./_native_replay.ts";
import { compileWith } from "./compiled.ts";
import { type EngineName, EngineUnavailable, type OpenOptions, type Running } from "./engine.ts";
import { decideGpu, gpuFacts } from "./gpu.ts";
import {
  CUDA_LIBRARIES,
  missingFiles,
  NATIVE_FILES,
  nativeFolder,
  type NativeKind,
  TENSORFLOW_VERSION,
} from "./native_files.ts";
import { tf } from "./tf.ts";

const BACKEND = "tensorflow";

interface Addon extends Binding {
  readonly TF_Version: string;
}

/** Two copies of TensorFlow in one process crash it, so the first that was loaded stays. */
let loaded: { readonly kind: NativeKind; readonly addon: Addon } | undefined;

/** Brings up the engine `node`. */
export function bringUpNode(options: OpenOptions): Promise<Running> {
  // A CUDA build that found no GPU computes on the processor like the other one.
  const kind = loaded?.kind ?? "cpu";
  const missing = missingFiles(kind);
  if (missing.length > 0) {
    const folder = nativeFolder(kind);
    const reason = `TensorFlow ${TENSORFLOW_VERSION} is not installed in "${folder}" (no ${missing[0]}), ` +
      `run "deno task install-native"`;
    throw new EngineUnavailable("node", reason);
  }
  const addon = load("node", kind, options);
  if (addon.isUsingGpuDevice()) {
    const reason = "this process already computes on the GPU, open it in a process of its own";
    throw new EngineUnavailable("node", reason);
  }
  const threads = process.env.TF_NUM_INTRAOP_THREADS ?? String(navigator.hardwareConcurrency);
  const model = os.cpus()[0]?.model.trim() ?? process.arch;
  return Promise.resolve({
    backend: BACKEND,
    device: `${model}, ${threads} ${threads === "1" ? "thread" : "threads"}`,
    memoryBytes: os.totalmem(),
    version: versionOf(addon),
    software: false,
  });
}

/** Brings up the engine `node-gpu`, or says what is missing; never computes on the processor instead. */
export function bringUpNodeGpu(options: OpenOptions): Promise<Running> {
  const facts = gpuFacts(missingFiles("gpu"));
  const before = decideGpu(facts);
  if (!before.available) throw new EngineUnavailable("node-gpu", before.reason);
  if (loaded?.kind === "cpu") {
    const reason = "this process already runs TensorFlow without CUDA, open the GPU in a process of its own";
    throw new EngineUnavailable("node-gpu", reason);
  }
  const addon = load("node-gpu", "gpu", options);
  const after = decideGpu({ ...facts, tensorflowSeesGpu: addon.isUsingGpuDevice() });
  if (!after.available) throw new EngineUnavailable("node-gpu", after.reason);
  return Promise.resolve({
    backend: BACKEND,
    device: after.gpu.name,
    memoryBytes: after.gpu.memoryBytes,
    version: versionOf(addon),
    software: false,
  });
}

function versionOf({ TF_Version }: Addon): string {
  return `TensorFlow ${TF_Version}, tfjs ${tf.version_core}`;
}

function load(engine: EngineName, kind: NativeKind, { threads }: OpenOptions): Addon {
  if (loaded !== undefined) return registered(loaded.addon, loaded.kind);
  // TensorFlow reads these once, when its library is loaded. Its own guess at the threads ignores container limits.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  process.env.TF_NUM_INTRAOP_THREADS = String(
    threads ?? process.env.TF_NUM_INTRAOP_THREADS ?? navigator.hardwareConcurrency,
  );
  process.env.TF_NUM_INTEROP_THREADS ??= process.env.TF_NUM_INTRAOP_THREADS;
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  try {
    if (kind === "gpu") preloadCuda();
    const addon = createRequire(import.meta.url)(`${nativeFolder(kind)}/${NATIVE_FILES.addon}`) as Addon;
    loaded = { kind, addon };
    return registered(addon, kind);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const reason = `the addon in "${nativeFolder(kind)}" does not load (${said}), ` +
      `run "deno task install-native --repair${kind === "gpu" ? " --gpu" : ""}" and give --allow-ffi`;
    throw new EngineUnavailable(engine, reason, { cause: error });
  }
}

/** Once a library is in the process, TensorFlow's own search by name finds it wherever it was loaded from. */
function preloadCuda(): void {
  for (const name of CUDA_LIBRARIES) Deno.dlopen(`${nativeFolder("gpu")}/${name}`, {});
}

function registered(addon: Addon, kind: NativeKind): Addon {
  if (tf.findBackendFactory(BACKEND) !== null) return addon;
  const require = createRequire(import.meta.url);
  // tfjs-node calls two helpers that Node's util lost in version 23.
  const util = require("node:util");
  util.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  require("@tensorflow/tfjs-node/dist/register_all_kernels");
  const { NodeJSKernelBackend } = require("@tensorflow/tfjs-node/dist/nodejs_kernel_backend");
  const packageName = kind === "gpu" ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  // On a GPU the tensors of a graph would travel to the processor and back.
  const replay = kind === "cpu" ? new Replay(addon) : undefined;
  tf.registerBackend(BACKEND, () => {
    const backend = new NodeJSKernelBackend(replay?.binding ?? addon, packageName);
    if (replay !== undefined) compileWith(backend, replay);
    return backend;
  });
  registerNativeKernels(addon);
  return addon;
}
