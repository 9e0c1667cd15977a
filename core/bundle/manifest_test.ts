import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { tinyFiles } from "../../tests/support/tiny_bundle.ts";
import { MANIFEST_FILE } from "./bundle.ts";
import { parseManifest } from "./manifest.ts";

const TEXT = new TextDecoder().decode((await tinyFiles()).get(MANIFEST_FILE)!);

/** A manifest with one field replaced; `undefined` removes it. */
function changed(path: string, value: unknown): unknown {
  const manifest = JSON.parse(TEXT);
  const keys = path.split(".");
  const last = keys.pop()!;
  let at = manifest;
  for (const key of keys) at = at[key];
  if (value === undefined) delete at[last];
  else at[last] = value;
  return manifest;
}

Deno.test("parseManifest() reads what was written, and what it returns can be written again", () => {
  const manifest = parseManifest(JSON.parse(TEXT));
  assertEquals(manifest.id, "tiny");
  assertEquals(parseManifest(JSON.parse(JSON.stringify(manifest))), manifest);
});

Deno.test("parseManifest() takes a newer minor version and refuses another major one by name", () => {
  assertEquals(parseManifest(changed("formatVersion", "1.7")).formatVersion, "1.7");
  assertThrows(
    () => parseManifest(changed("formatVersion", "2.0")),
    SyntaxError,
    "its format version is 2.0, must be 1.x",
  );
});

Deno.test("parseManifest() refuses every malformed field and names it", () => {
  const refusals: readonly (readonly [path: string, value: unknown])[] = [
    ["id", "../escape"],
    ["id", "Upper"],
    ["version", 0],
    ["version", 1.5],
    ["classes", ["only one"]],
    ["temperature", 0],
    ["networks.policy.file", "../../etc/passwd"],
    ["networks.policy.file", "a/b.onnx"],
    ["networks.policy.sha256", "abc"],
    ["networks.policy.bytes", -1],
    ["golden.file", ".hidden"],
    ["glance.resample", "lanczos"],
    ["fit", "squash"],
    ["transfer.patch.type", "image/gif"],
    ["normalization.std", [1, 1]],
    ["operatingPoints", []],
    ["operatingPoints.0.levels", []],
    ["operatingPoints.0.accuracy", 1.2],
    ["method.grid.rows", 1e6],
    ["method.name", "gfnet"],
    ["provenance.seed", undefined],
  ];
  for (const [path, value] of refusals) {
    assertThrows(
      () => parseManifest(changed(path, value)),
      SyntaxError,
      `Cannot read manifest: ${path}`,
      path,
    );
  }
  assertThrows(() => parseManifest(changed("surprise", true)), SyntaxError, "surprise");
});

Deno.test("parseManifest() refuses parts that do not fit each other", () => {
  const refusals: readonly (readonly [path: string, value: unknown, sentence: string])[] = [
    ["frame.width", 33, "the grid covers 32 x 32"],
    ["method.grid.halo", 2, "halo must be 0"],
    ["networks.policy", undefined, 'network "policy" is missing'],
    ["networks.classifier", undefined, 'network "classifier" is missing'],
    ["networks.glance", undefined, 'network "glance" is missing'],
    ["method.reading", "patches", 'network "reader" is missing'],
    ["operatingPoints.0.levels", [0.3, 0.5], 'levels of "usual" must not rise'],
    ["fixedOrder", [16], "beyond 15"],
  ];
  for (const [path, value, sentence] of refusals) {
    assertThrows(() => parseManifest(changed(path, value)), SyntaxError, sentence, path);
  }
});

Deno.test("parseManifest() refuses what is no object at all", () => {
  for (const value of [null, undefined, 7, "manifest", [], {}]) {
    assertThrows(() => parseManifest(value), SyntaxError, "Cannot read manifest");
  }
});
