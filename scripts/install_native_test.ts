import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert/mod.js";
import { uncovered, wheelsFor } from "./_native_wheels.ts";

Deno.test("wheelsFor() has both builds for x86_64, the plain one for aarch64, none elsewhere", () => {
  assertEquals(wheelsFor("cpu", "linux", "x86_64")?.wheels.length, 1);
  assert(wheelsFor("gpu", "linux", "x86_64")!.wheels.length > 1);
  assertStringIncludes(wheelsFor("cpu", "linux", "aarch64")!.wheels[0]!.file, "aarch64");
  assertEquals(wheelsFor("gpu", "linux", "aarch64"), undefined);
  assertEquals(wheelsFor("cpu", "darwin", "aarch64"), undefined);
  assertEquals(wheelsFor("cpu", "windows", "x86_64"), undefined);
});

Deno.test("wheelsFor() pins every wheel by version and checksum", () => {
  for (const kind of ["cpu", "gpu"] as const) {
    for (const { requirement, file, sha256, bytes } of wheelsFor(kind, "linux", "x86_64")!.wheels) {
      const [name, version] = requirement.split("==") as [string, string];
      assert(file.startsWith(`${name.replaceAll("-", "_")}-${version}-`), file);
      assertMatch(sha256, /^[0-9a-f]{64}$/);
      assert(bytes > 100_000);
    }
  }
});

Deno.test("uncovered() finds no CUDA library that TensorFlow opens and no wheel brings", () => {
  const set = wheelsFor("gpu", "linux", "x86_64")!;
  assertEquals(uncovered(set), []);
  assert(uncovered({ ...set, wheels: set.wheels.slice(0, 1) }).length > 0);
});

async function install(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; json: string; said: string }> {
  const script = new URL("./install_native.ts", import.meta.url).href;
  const cache = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", script, ...args],
      env: { SACCADE_CACHE: cache, ...env },
    }).output();
    const text = new TextDecoder();
    return { code, json: text.decode(stdout), said: text.decode(stderr) };
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

Deno.test("installNative() names what is missing and how to get it, and ends with 3", async () => {
  const { code, json } = await install(["--json"], { PATH: "/nonexistent", CXX: "/nonexistent/c++" });
  assertEquals(code, 3);
  const { error } = JSON.parse(json);
  assertStringIncludes(error, "python3 with pip");
  assertStringIncludes(error, "apt-get install g++");
});

Deno.test("installNative() refuses an unknown flag with 2", async () => {
  const { code, json, said } = await install(["--gpus"], {});
  assertEquals([code, json], [2, ""]);
  assertStringIncludes(said, "Usage:");
});
