import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { tinyBundle, tinyFiles } from "../../tests/support/tiny_bundle.ts";
import { gridOptionsOf, MANIFEST_FILE, operatingPoint, readBundle, sha256 } from "./bundle.ts";

const reading = (files: ReadonlyMap<string, Uint8Array>) => (file: string): Promise<Uint8Array> => {
  const bytes = files.get(file);
  return bytes === undefined ? Promise.reject(new Error(`no ${file}`)) : Promise.resolve(bytes);
};

Deno.test("sha256() is SHA-256 in hexadecimal", async () => {
  // FIPS 180-2, appendix B.1.
  assertEquals(
    await sha256(new TextEncoder().encode("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

Deno.test("readBundle() reads a whole bundle and asks for no file the manifest does not name", async () => {
  const files = await tinyFiles();
  const asked: string[] = [];
  const bundle = await readBundle((file) => {
    asked.push(file);
    return reading(files)(file);
  });
  assertEquals([...bundle.networks.keys()].sort(), ["classifier", "glance", "policy"]);
  assertEquals(asked.sort(), [...files.keys()].sort());
});

Deno.test("readBundle() refuses a bundle in which any file differs by one bit, is cut short, or is gone", async () => {
  const names = [...(await tinyFiles()).keys()].filter((name) => name !== MANIFEST_FILE);
  assertEquals(names.length, 4);
  for (const name of names) {
    const files = await tinyFiles();
    const bytes = files.get(name)!.slice();
    bytes[bytes.length >> 1]! ^= 1;
    files.set(name, bytes);
    await assertRejects(() => readBundle(reading(files)), SyntaxError, `${name} has sha256`);
    files.set(name, bytes.subarray(0, 10));
    await assertRejects(() => readBundle(reading(files)), SyntaxError, `${name} has sha256`);
    files.delete(name);
    await assertRejects(() => readBundle(reading(files)), Error, `no ${name}`);
  }
});

Deno.test("readBundle() refuses a manifest that is not JSON", async () => {
  const files = await tinyFiles();
  files.set(MANIFEST_FILE, files.get(MANIFEST_FILE)!.subarray(0, 100));
  await assertRejects(() => readBundle(reading(files)), SyntaxError, "it is not JSON");
});

Deno.test("readBundle() gives other weights another hash, and the same weights the same", async () => {
  const hash = (await tinyBundle()).weightHash;
  assertEquals((await tinyBundle({ version: 2 })).weightHash, hash);
  assertNotEquals((await tinyBundle({ seed: 8 })).weightHash, hash);
});

Deno.test("operatingPoint() is the first unless another one is asked for by name", async () => {
  const { manifest } = await tinyBundle();
  assertEquals(operatingPoint(manifest).name, "usual");
  assertEquals(operatingPoint(manifest, "patient").levels, [0.6, 0.4, 0]);
  assertThrows(
    () => operatingPoint(manifest, "hasty"),
    RangeError,
    'Cannot use operating point "hasty" of "tiny": there is "usual", "patient"',
  );
});

Deno.test("gridOptionsOf() takes levels and confidence from the operating point", async () => {
  const { manifest } = await tinyBundle();
  const options = gridOptionsOf(manifest, { levels: [0.9, 0.1], confidence: 0.8 });
  assertEquals([options.levels, options.confidence, options.classes], [[0.9, 0.1], 0.8, 5]);
  assertEquals("confidence" in gridOptionsOf(manifest, { levels: [0.5] }), false);
});
