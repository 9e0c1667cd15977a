/**
 * Where the native TensorFlow lives on this machine and what belongs to it.
 *
 * `scripts/install_native.ts` fills the folder, the engines `node` and `node-gpu` read it. It is a cache of the user, not
 * a part of `node_modules`, which every reinstall of the packages wipes.
 *
 * @module
 */
import { existsSync } from "node:fs";
import process from "node:process";

/** The TensorFlow release whose libraries are used. */
export const TENSORFLOW_VERSION = "2.18.1";

/** Which build of TensorFlow: for processors only, or with CUDA 12. */
export type NativeKind = "cpu" | "gpu";

/** Paths inside the folder of {@linkcode nativeFolder}, as the wheels lay them out. */
export const NATIVE_FILES = {
  /** The C and eager API. */
  library: "tensorflow/libtensorflow_cc.so.2",
  /** What it is linked against. */
  framework: "tensorflow/libtensorflow_framework.so.2",
  /** tfjs-node's addon, compiled here. */
  addon: "tensorflow/tfjs_binding.node",
  /** What was installed, from what, with which checksums; written last. */
  receipt: "install.json",
} as const;

/** CUDA libraries TensorFlow opens by name, in an order in which each finds those it needs already loaded. */
export const CUDA_LIBRARIES: readonly string[] = [
  "nvidia/cuda_runtime/lib/libcudart.so.12",
  "nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
  "nvidia/nvjitlink/lib/libnvJitLink.so.12",
  "nvidia/cublas/lib/libcublasLt.so.12",
  "nvidia/cublas/lib/libcublas.so.12",
  "nvidia/cufft/lib/libcufft.so.11",
  "nvidia/curand/lib/libcurand.so.10",
  "nvidia/cusparse/lib/libcusparse.so.12",
  "nvidia/cusolver/lib/libcusolver.so.11",
  "nvidia/cuda_cupti/lib/libcupti.so.12",
  "nvidia/nccl/lib/libnccl.so.2",
  "nvidia/cudnn/lib/libcudnn.so.9",
];

/** The cache folder of this user: `$SACCADE_CACHE`, else `$XDG_CACHE_HOME/saccade`, else `~/.cache/saccade`. */
export function cacheHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.SACCADE_CACHE) return env.SACCADE_CACHE;
  if (env.XDG_CACHE_HOME) return `${env.XDG_CACHE_HOME}/saccade`;
  return `${env.HOME ?? "."}/.cache/saccade`;
}

/** `x86_64` or `aarch64`, or what the runtime calls any other processor. */
export function machine(): string {
  const names: Record<string, string> = { x64: "x86_64", arm64: "aarch64" };
  return names[process.arch] ?? process.arch;
}

/** The folder the native TensorFlow of `kind` is installed in, whether or not it is. */
export function nativeFolder(kind: NativeKind): string {
  return `${cacheHome()}/native/tensorflow-${TENSORFLOW_VERSION}-${kind}-${process.platform}-${machine()}`;
}

/** Names of the files that the engine of `kind` needs and that are not there; empty when it is installed. */
export function missingFiles(kind: NativeKind): readonly string[] {
  const wanted = [...Object.values(NATIVE_FILES), ...(kind === "gpu" ? CUDA_LIBRARIES : [])];
  return wanted.filter((name) => !existsSync(`${nativeFolder(kind)}/${name}`));
}
