/**
 * Whether TensorFlow can compute on an NVIDIA GPU here, and if not, what is missing.
 *
 * @module
 */
import { machine } from "./native_files.ts";

/** What was found on a machine. */
export interface GpuFacts {
  /** As `process.platform`. */
  readonly platform: string;
  /** As `uname -m`. */
  readonly machine: string;
  /** Files of the CUDA build that are not installed. */
  readonly missingFiles: readonly string[];
  /** Device files of NVIDIA GPUs (`/dev/nvidia0`; `/dev/dxg` under WSL). */
  readonly deviceFiles: readonly string[];
  /** GPUs the driver reports; `undefined` when its library `libcuda.so.1` cannot be opened. */
  readonly gpus: readonly Gpu[] | undefined;
  /** What TensorFlow says once it is loaded: whether its device list has a GPU. */
  readonly tensorflowSeesGpu?: boolean;
}

/** One GPU as its driver names it. */
export interface Gpu {
  /** Marketing name. */
  readonly name: string;
  /** All of its memory. */
  readonly memoryBytes: number;
}

/** The answer: the GPU to use, or everything that stands in the way. */
export type GpuDecision =
  | { readonly available: true; readonly gpu: Gpu }
  | { readonly available: false; readonly missing: readonly string[]; readonly reason: string };

/** Decides from facts alone, so that it can be checked without a GPU. */
export function decideGpu(facts: GpuFacts): GpuDecision {
  if (facts.platform !== "linux" || facts.machine !== "x86_64") {
    const here = `${facts.platform} ${facts.machine}`;
    return refusal(["linux x86_64"], `CUDA builds of TensorFlow exist for linux x86_64, this is ${here}`);
  }
  const missing: string[] = [];
  const reasons: string[] = [];
  const lack = (what: string, reason: string): void => {
    missing.push(what);
    reasons.push(reason);
  };
  if (facts.deviceFiles.length === 0) lack("/dev/nvidia0", "there is no NVIDIA device file in /dev");
  if (facts.gpus === undefined) {
    lack("libcuda.so.1", "the NVIDIA driver library libcuda.so.1 is not installed");
  } else if (facts.gpus.length === 0) lack("gpu", "the NVIDIA driver reports no GPU, check nvidia-smi");
  if (facts.missingFiles.length > 0) {
    missing.push(...facts.missingFiles);
    reasons.push(
      `the CUDA build of TensorFlow is not installed (${facts.missingFiles.length} files), ` +
        `run "deno task install-native --gpu"`,
    );
  }
  const gpu = facts.gpus?.[0];
  if (reasons.length > 0 || gpu === undefined) return refusal(missing, reasons.join("; "));
  if (facts.tensorflowSeesGpu === false) {
    const reason =
      `TensorFlow lists no GPU although the driver reports ${gpu.name}: its CUDA 12 libraries or the ` +
      `driver do not fit, run with TF_CPP_MIN_LOG_LEVEL=0 to see which`;
    return refusal(["tensorflow gpu device"], reason);
  }
  return { available: true, gpu };
}

function refusal(missing: readonly string[], reason: string): GpuDecision {
  return { available: false, missing, reason };
}

/** Looks at this machine. `missingFiles` and what TensorFlow says are the caller's to find out. */
export function gpuFacts(missingFiles: readonly string[]): GpuFacts {
  return {
    platform: Deno.build.os,
    machine: machine(),
    missingFiles,
    deviceFiles: ["/dev/nvidia0", "/dev/dxg"].filter(exists),
    gpus: driverGpus(),
  };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Asks the driver itself: a GPU that TensorFlow was hidden from (`CUDA_VISIBLE_DEVICES`) is hidden here too. */
function driverGpus(): readonly Gpu[] | undefined {
  const driver = openDriver();
  if (driver === undefined) return undefined;
  try {
    const { cuInit, cuDeviceGetCount, cuDeviceGetName, cuDeviceTotalMem_v2 } = driver.symbols;
    const count = new Int32Array(1);
    if (cuInit(0) !== 0 || cuDeviceGetCount(count) !== 0) return [];
    return Array.from({ length: count[0]! }, (_, device) => {
      const name = new Uint8Array(256);
      const memory = new BigUint64Array(1);
      cuDeviceGetName(name, name.length, device);
      cuDeviceTotalMem_v2(memory, device);
      return {
        name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
        memoryBytes: Number(memory[0]!),
      };
    });
  } finally {
    driver.close();
  }
}

// The return type is inferred from the list of symbols.
function openDriver() {
  try {
    return Deno.dlopen("libcuda.so.1", {
      cuInit: { parameters: ["u32"], result: "i32" },
      cuDeviceGetCount: { parameters: ["buffer"], result: "i32" },
      cuDeviceGetName: { parameters: ["buffer", "i32", "i32"], result: "i32" },
      cuDeviceTotalMem_v2: { parameters: ["buffer", "i32"], result: "i32" },
    });
  } catch {
    return undefined;
  }
}
