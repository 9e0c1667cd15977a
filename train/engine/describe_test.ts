import { assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import { type Availability, probeWith, verdict } from "./describe.ts";
import { isSoftware } from "./webgpu.ts";

const FOUND: Availability = { available: true, device: "d", version: "v", software: false, reason: "" };

Deno.test("verdict() believes the last line of a probe", () => {
  assertEquals(verdict(0, null, `noise of a driver\n${JSON.stringify(FOUND)}\n`), FOUND);
});

Deno.test("verdict() names the signal that ended a probe", () => {
  const { available, reason } = verdict(139, "SIGSEGV", JSON.stringify(FOUND));
  assertEquals(available, false);
  assertStringIncludes(reason, "SIGSEGV");
});

Deno.test("verdict() does not take silence for a yes", () => {
  const { available, reason } = verdict(1, null, "");
  assertEquals(available, false);
  assertStringIncludes(reason, "code 1");
});

Deno.test("probeWith() survives a probe that ends itself", async () => {
  const script = new URL("data:application/javascript,Deno.exit(7)");
  const { available, reason } = await probeWith(script, "x");
  assertEquals(available, false);
  assertStringIncludes(reason, "code 7");
});

Deno.test("isSoftware() knows imitated adapters by name or by their own word", () => {
  assertEquals(isSoftware({ description: "llvmpipe (LLVM 15.0.6, 256 bits)", vendor: "" }), true);
  assertEquals(isSoftware({ description: "anything", vendor: "", isFallbackAdapter: true }), true);
  assertEquals(isSoftware({ description: "", vendor: "google", architecture: "swiftshader" }), true);
  assertEquals(isSoftware({ description: "NVIDIA L4", vendor: "nvidia", isFallbackAdapter: false }), false);
});
