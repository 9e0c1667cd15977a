import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { parseManifest } from "../core/bundle/mod.ts";
import { MODELS } from "../models/mod.ts";
import { inFolder } from "../tests/support/folder.ts";
import { tinyFiles } from "../tests/support/tiny_bundle.ts";
import { between, bundleTable, pages, shipped, short } from "./build_model_docs.ts";

const MANIFEST = JSON.parse(new TextDecoder().decode((await tinyFiles()).get("manifest.json")!));

Deno.test("short() has three digits and a unit", () => {
  assertEquals([7, 999, 1000, 68_862_592, 4_089_184_256].map(short), ["7", "999", "1 k", "68.9 M", "4.09 G"]);
});

Deno.test("between() replaces what is between the marks and nothing else, again and again", () => {
  const text = "a\n<!-- x -->\nold\n<!-- /x -->\nb";
  const once = between(text, "x", "new");
  assertEquals(once, "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb");
  assertEquals(between(once, "x", "new"), once);
  assertThrows(() => between(text, "y", "new"), SyntaxError, 'Cannot fill "y"');
});

Deno.test("shipped() finds the highest version of every bundle and passes over what is half-written", async () => {
  await inFolder(async (root) => {
    assertEquals(await shipped(root), []);
    for (const version of ["2", "10", ".tmp-11-7", "x"]) {
      const folder = `${root}/models/repository/tiny/${version}`;
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(
        `${folder}/manifest.json`,
        JSON.stringify({ ...MANIFEST, version: Number(version) || 1 }),
      );
    }
    const found = await shipped(root);
    assertEquals(found.map(({ folder }) => folder), ["models/repository/tiny/10"]);
  });
});

Deno.test("bundleTable() has a row per operating point and says which was not measured", () => {
  const manifest = parseManifest({
    ...MANIFEST,
    operatingPoints: [
      {
        ...MANIFEST.operatingPoints[0],
        split: "test",
        images: 100,
        accuracy: 0.915,
        patches: 7.94,
        bytes: 2345,
        macs: 7e7,
      },
      MANIFEST.operatingPoints[1],
    ],
  });
  const rows = bundleTable([{ manifest, folder: "models/repository/tiny/1" }], "../").split("\n");
  assertEquals(rows.length, 4);
  for (const part of ["../models/repository/tiny/1/CARD.md", "91.50 %", "7.94 of 16", "2.35 k", "70 M"]) {
    assert(rows[2]!.includes(part), `${part} in ${rows[2]}`);
  }
  assert(rows[3]!.includes("not measured"));
});

Deno.test("pages() name every network of the zoo, each on the page of its family and in the index", () => {
  const made = pages([]);
  const index = made.get("docs/models/README.md")!;
  for (const [name, { card }] of Object.entries(MODELS)) {
    assert(index.includes(`\`${name}\``), name);
    assert(made.get(`docs/models/${card.family}.md`)!.includes(`\`${name}\``), name);
  }
});
