import { assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import type { Availability } from "../train/engine/mod.ts";
import { type DoctorReport, table } from "./doctor.ts";

const no = (reason: string): Availability => ({
  available: false,
  device: "",
  version: "",
  software: false,
  reason,
});
const yes = (device: string, software = false): Availability => ({
  available: true,
  device,
  version: "1.2",
  software,
  reason: "",
});

const REPORT: DoctorReport = {
  engines: {
    "node-gpu": no("there is no NVIDIA device file\nin /dev"),
    node: no("not installed"),
    webgpu: yes("llvmpipe", true),
    wasm: { ...yes("WebAssembly"), memoryBytes: 2 ** 31 },
    cpu: yes("JavaScript"),
  },
  runtimes: { web: yes("WebAssembly"), node: no("no library") },
};

Deno.test("table() gives everything one line, with its device or its reason", () => {
  const lines = table(REPORT).split("\n");
  assertEquals(lines.filter((line) => / (yes|no) {2}/.test(line)).length, 7);
  assertEquals(lines[1], "  node-gpu  no   there is no NVIDIA device file in /dev");
  assertEquals(lines[4], "* wasm      yes  WebAssembly, 2.0 GiB (1.2)");
});

Deno.test("table() marks the engine auto takes, which is never an imitated GPU", () => {
  assertStringIncludes(table(REPORT), "--engine auto takes wasm.");
  assertStringIncludes(table(REPORT), "llvmpipe, a processor imitates the GPU");
});
