/**
 * Any GPU through WebGPU. Results must be read asynchronously.
 *
 * @module
 */
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { EngineUnavailable, type OpenOptions, type Running } from "./engine.ts";
import { tf } from "./tf.ts";

const BACKEND = "webgpu";

/** What an adapter says of itself. `isFallbackAdapter` is where newer specifications have it. */
export interface AdapterInfo {
  /** Name of the device; browsers keep it empty. */
  readonly description: string;
  /** Maker. */
  readonly vendor: string;
  /** Family of devices, such as `ampere` or `swiftshader`; may be empty. */
  readonly architecture?: string;
  /** The runtime's own word that a processor imitates the GPU. */
  readonly isFallbackAdapter?: boolean;
}

/** Whether a processor imitates the GPU: too slow to be chosen unasked. */
export function isSoftware({ description, architecture = "", isFallbackAdapter }: AdapterInfo): boolean {
  return isFallbackAdapter === true ||
    /llvmpipe|lavapipe|swiftshader|softpipe|basic render/i.test(`${description} ${architecture}`);
}

/** Brings up the engine `webgpu`. */
export async function bringUpWebgpu(_options: OpenOptions): Promise<Running> {
  const gpu = (navigator as { readonly gpu?: GPU }).gpu;
  if (gpu === undefined) {
    const reason =
      "this runtime offers no navigator.gpu, run Deno with --unstable-webgpu; a web page must come from " +
      "HTTPS or localhost, the browser must have WebGPU";
    throw new EngineUnavailable("webgpu", reason);
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) {
    const reason = "no adapter answers, install a driver for the GPU (Linux: Vulkan and the loader " +
      "libvulkan1)";
    throw new EngineUnavailable("webgpu", reason);
  }
  const info = adapter.info as GPUAdapterInfo & AdapterInfo;
  // tfjs's own set-up hands requiredFeatures a nested list, which only browsers accept: ask for the device here.
  const features: GPUFeatureName[] = ["timestamp-query", "bgra8unorm-storage"];
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  });
  tf.removeBackend(BACKEND);
  // The package's copy of the WebGPU types is older than the runtime's.
  tf.registerBackend(
    BACKEND,
    () => new WebGPUBackend(device as never, info as never) as unknown as tf.KernelBackend,
  );
  return {
    backend: BACKEND,
    device: info.description || `${info.vendor} ${info.architecture}`.trim() || "unnamed adapter",
    version: `tfjs-backend-webgpu ${tf.version_core}`,
    software: isSoftware(info),
  };
}
