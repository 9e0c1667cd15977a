import { assertEquals, AssertionError, assertStringIncludes } from "@std/assert/mod.js";
import { decideGpu, type GpuFacts } from "./gpu.ts";

const READY: GpuFacts = {
  platform: "linux",
  machine: "x86_64",
  missingFiles: [],
  deviceFiles: ["/dev/nvidia0"],
  gpus: [{ name: "NVIDIA L4", memoryBytes: 24e9 }, { name: "NVIDIA T4", memoryBytes: 16e9 }],
};

function refused(facts: Partial<GpuFacts>): { missing: readonly string[]; reason: string } {
  const decision = decideGpu({ ...READY, ...facts });
  if (decision.available) throw new AssertionError("a GPU was found where there can be none");
  return decision;
}

Deno.test("decideGpu() takes the first GPU when nothing is missing", () => {
  assertEquals(decideGpu(READY), { available: true, gpu: READY.gpus![0]! });
  assertEquals(decideGpu({ ...READY, tensorflowSeesGpu: true }).available, true);
});

Deno.test("decideGpu() refuses a processor in place of the GPU", () => {
  const { missing, reason } = refused({ tensorflowSeesGpu: false });
  assertEquals(missing, ["tensorflow gpu device"]);
  assertStringIncludes(reason, "NVIDIA L4");
});

Deno.test("decideGpu() names the installer when libraries are missing", () => {
  const file = "nvidia/cudnn/lib/libcudnn.so.9";
  const { missing, reason } = refused({ missingFiles: [file] });
  assertEquals(missing, [file]);
  assertStringIncludes(reason, "deno task install-native --gpu");
});

Deno.test("decideGpu() tells a missing driver from a driver without a GPU", () => {
  assertEquals(refused({ gpus: undefined }).missing, ["libcuda.so.1"]);
  const { missing, reason } = refused({ gpus: [] });
  assertEquals(missing, ["gpu"]);
  assertStringIncludes(reason, "nvidia-smi");
});

Deno.test("decideGpu() names everything that is missing at once", () => {
  const facts = { deviceFiles: [], gpus: undefined, missingFiles: ["a", "b"] };
  assertEquals(refused(facts).missing, ["/dev/nvidia0", "libcuda.so.1", "a", "b"]);
});

Deno.test("decideGpu() refuses platforms without a CUDA build whatever else is there", () => {
  assertStringIncludes(refused({ platform: "darwin", machine: "aarch64" }).reason, "darwin aarch64");
  assertStringIncludes(refused({ machine: "aarch64" }).reason, "linux aarch64");
});
