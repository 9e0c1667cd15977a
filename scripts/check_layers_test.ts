import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { inFolder } from "../tests/support/folder.ts";
import { checkFile, checkTree } from "./check_layers.ts";

function check(file: string, ...lines: string[]): string[] {
  return checkFile(file, lines.join("\n") + "\n").map(({ line, what }) => `${line}: ${what}`);
}

Deno.test("checkFile() lets a layer import itself and what lies below it", () => {
  assertEquals(
    check("models/resnet.ts", 'import { a } from "../core/graph/mod.ts";', 'export * from "./a.ts";'),
    [],
  );
  assertEquals(
    check("serve/transport/app.ts", 'import { Hono } from "hono";', 'import "../engine/mod.ts";'),
    [],
  );
  assertEquals(
    check("train/a.ts", 'import "@tensorflow/tfjs";', 'import "../models/mod.ts";', "Deno.cwd();"),
    [],
  );
  assertEquals(check("scripts/a.ts", 'import "../serve/mod.ts";', 'import "../train/mod.ts";'), []);
});

Deno.test("checkFile() finds imports against the arrow: static, re-exported, dynamic, of types, of workers", () => {
  assertEquals(
    check(
      "core/a.ts",
      "/** import './train/x.ts' in a comment is none */",
      'import type { A } from "../models/mod.ts";',
      'export { b } from "../train/b.ts";',
      'const c = await import("../serve/c.ts");',
      'type D = import("../client/mod.ts").D;',
      'const e = new Worker(new URL("../web/e.ts", import.meta.url));',
      "const text = \"from '../train/x.ts'\";",
    ),
    [
      '2: core must not import "models/mod.ts", only itself',
      '3: core must not import "train/b.ts", only itself',
      '4: core must not import "serve/c.ts", only itself',
      '5: core must not import "client/mod.ts", only itself',
      '6: core must not import "web/e.ts", only itself',
    ],
  );
  assertEquals(check("serve/runtime/a.ts", 'import "../protocol/mod.ts";').length, 1);
  assertEquals(check("serve/protocol/a.ts", 'import "../engine/mod.ts";').length, 1);
  assertEquals(check("client/a.ts", 'import "../serve/engine/mod.ts";').length, 1);
  assertEquals(check("train/a.ts", 'import "../serve/protocol/mod.ts";').length, 1);
  assertEquals(check("core/a.ts", 'import "../../elsewhere/b.ts";').length, 1);
});

Deno.test("checkFile() finds packages that a layer must not know, under any spelling", () => {
  assertEquals(check("core/a.ts", 'import * as tf from "@tensorflow/tfjs-core";'), [
    '1: core must not import "@tensorflow/tfjs-core"',
  ]);
  assertEquals(check("core/a.ts", 'import "npm:onnxruntime-web@1.30.0";').length, 1);
  assertEquals(check("core/a.ts", 'import "npm:/onnxruntime-web@1.30.0/all";').length, 1);
  assertEquals(check("serve/engine/a.ts", 'import "@hono/zod-openapi";').length, 1);
  assertEquals(check("serve/transport/a.ts", 'import type { T } from "onnxruntime-common";').length, 1);
  assertEquals(check("train/evaluate/a.ts", 'import "@tensorflow/tfjs";').length, 1);
  assertEquals(check("models/a.ts", 'import { readFile } from "node:fs/promises";').length, 1);
  assertEquals(check("core/a.ts", 'import { BinaryWriter } from "@bufbuild/protobuf/wire";'), []);
});

Deno.test("checkFile() finds Deno.* outside of the layers that own the machine, also as a type", () => {
  const uses = ["const a = Deno.cwd();", "let b: Deno.FsFile;", "globalThis.Deno;", 'const c = "Deno.cwd";'];
  assertEquals(check("core/a.ts", ...uses), [
    "1: core must not use Deno.*",
    "2: core must not use Deno.*",
    "3: core must not use Deno.*",
  ]);
  for (const file of ["serve/adapters/a.ts", "train/a.ts", "scripts/a.ts", "tests/a.ts", "core/a_test.ts"]) {
    assertEquals(check(file, ...uses), []);
  }
  assertEquals(check("core/a.ts", "await import(name);"), [
    "1: an import must be of a literal, so that this check sees it",
  ]);
});

Deno.test("checkFile() lets a unit test use any package and tests/, but no layer that its own may not", () => {
  const lines = [
    'import "onnxruntime-web";',
    'import "../tests/support/folder.ts";',
    'import "../train/mod.ts";',
  ];
  assertEquals(check("core/a_test.ts", ...lines), ['3: core must not import "train/mod.ts", only itself']);
});

Deno.test("checkFile() keeps private files private to their folder and those in it, but lets a worker's entry be named", () => {
  assertEquals(check("core/onnx/a.ts", 'import "./_wire.ts";'), []);
  assertEquals(check("core/graph/a.ts", 'import "../onnx/_wire.ts";'), [
    '1: "core/onnx/_wire.ts" is private to "core/onnx", must be reached through a public file of it',
  ]);
  assertEquals(check("core/onnx/inner/a.ts", 'import "../_wire.ts";'), []);
  assertEquals(check("core/a.ts", 'import "./onnx/_wire.ts";').length, 1);
  assertEquals(check("scripts/a.ts", 'new URL("../core/onnx/_wire.ts", import.meta.url);'), []);
});

Deno.test("checkFile() finds empty names, wrong case, length, unseeded randomness, files of no layer", () => {
  assert(check("core/utils.ts", "")[0]?.includes('name "utils" says nothing'));
  assert(check("core/boxMath.ts", "")[0]?.includes("must be snake_case"));
  assertEquals(checkFile("core/a.ts", "\n".repeat(500)), []);
  assert(checkFile("core/a.ts", "\n".repeat(501))[0]?.what.startsWith("has 501 lines"));
  assertEquals(checkFile("core/onnx/onnx_pb.ts", "\n".repeat(501)), []);
  assert(check("core/a.ts", "const r = Math.random;")[0]?.startsWith("1: Math.random is not seeded"));
  assertEquals(check("bench/a.ts", "Math.random();"), []);
  assert(check("other/a.ts", "")[0]?.includes("is in no layer"));
});

Deno.test("checkFile() says where a file cannot be parsed, and parses what Deno does", () => {
  assertThrows(() => checkFile("core/a.ts", "const = 1;"), SyntaxError, "Cannot read core/a.ts: ");
  const modern =
    "using a = f(); const b = <const T,>(x: T) => x satisfies T; class C { #d?: number; static { f(); } }";
  assertEquals(checkFile("core/a.ts", modern), []);
});

Deno.test("checkTree() reads every source file but packages, hidden folders and declarations", () =>
  inFolder(async (folder) => {
    for (const path of ["core/graph", "node_modules/x", ".cache"]) {
      await Deno.mkdir(`${folder}/${path}`, { recursive: true });
    }
    for (
      const path of ["core/graph/a.ts", "core/b.tsx", "node_modules/x/a.ts", ".cache/a.ts", "core/c.d.ts"]
    ) {
      await Deno.writeTextFile(`${folder}/${path}`, "\nMath.random();\n");
    }
    const { files, findings } = await checkTree(folder);
    assertEquals(files, 2);
    assertEquals(findings.map(({ file, line }) => `${file}:${line}`).sort(), [
      "core/b.tsx:2",
      "core/graph/a.ts:2",
    ]);
  }));
