import { assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { encode } from "../../core/image/mod.ts";
import { raster } from "../../core/image/raster.ts";
import { csvLayout, openCsv } from "./csv.ts";
import { openFolder } from "./folder.ts";
import { openDataset, parseScenes } from "./open.ts";

/** A folder with the given files: text as it is, `null` a small PNG. */
async function inFolder(
  files: Readonly<Record<string, string | null>>,
  run: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const png = await encode(raster(4, 4), { type: "image/png" });
    for (const [name, content] of Object.entries(files)) {
      const path = `${root}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      if (content === null) await Deno.writeFile(path, png);
      else await Deno.writeTextFile(path, content);
    }
    await run(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("openFolder() sorts classes and files and ignores what is no picture", async () => {
  const files = {
    "train/river/b.png": null,
    "train/river/a.png": null,
    "train/field/x.JPG": null,
    "train/field/notes.txt": "",
    "train/.cache/y.png": null,
    "test/river/c.png": null,
  };
  await inFolder(files, async (root) => {
    const train = await openFolder({ path: root + "/", split: "train" });
    assertEquals([train.classes, [...train.labels]], [["field", "river"], [0, 1, 1]]);
    assertEquals(train.source(1), { kind: "file", path: `${root}/train/river/a.png` });
    const test = await openFolder({ path: root, split: "test" });
    assertEquals([test.classes, [...test.labels]], [["field", "river"], [1]]);
  });
});

Deno.test("openFolder() hashes content, not place", async () => {
  const hashes: string[] = [];
  for (const text of ["", "", "other"]) {
    await inFolder({ "a/1.png": null, "b/2.png": text }, async (root) => {
      hashes.push((await openFolder({ path: root, split: "train" })).hash);
    });
  }
  assertEquals(hashes[0], hashes[1]);
  assertEquals(hashes[0] === hashes[2], false);
});

Deno.test("openFolder() refuses a class that training does not know, and nothing at all", async () => {
  await inFolder({ "train/a/1.png": null, "test/b/1.png": null }, async (root) => {
    await assertRejects(() => openFolder({ path: root, split: "test" }), RangeError, 'class "b"');
    await assertRejects(() => openFolder({ path: root, split: "val" }), RangeError, 'no folder "val"');
  });
  await inFolder({ "a/1.txt": "" }, async (root) => {
    await assertRejects(() => openFolder({ path: root, split: "train" }), RangeError, "hold no picture");
    await assertRejects(() => openFolder({ path: root, split: "test" }), RangeError, 'only part is "train"');
  });
});

Deno.test("csvLayout() tells header and order from the first row", () => {
  assertEquals(csvLayout(["path", "label"]), { header: true, pathColumn: 0 });
  assertEquals(csvLayout(["Label", "Path"]), { header: true, pathColumn: 1 });
  assertEquals(csvLayout(["a/b.jpg", "3"]), { header: false, pathColumn: 0 });
  assertEquals(csvLayout(["3", "a/b.JPEG"]), { header: false, pathColumn: 1 });
  assertThrows(() => csvLayout(["x", "y"]), SyntaxError, '"x,y"');
});

Deno.test("openCsv() reads numbers, names and quoted paths", async () => {
  const files = {
    "1.png": null,
    "a, b.png": null,
    "n.csv": '1.png,2\r\n"a, b.png",0\n\n',
    "h.csv": "label,path\nsea,1.png\n",
  };
  await inFolder(files, async (root) => {
    const { dataset } = await openCsv({ path: `${root}/n.csv` });
    assertEquals([dataset.classes, [...dataset.labels]], [["0", "1", "2"], [2, 0]]);
    assertEquals(dataset.source(1), { kind: "file", path: `${root}/a, b.png` });
    const named = await openCsv({ path: `${root}/h.csv`, classes: ["land", "sea"] });
    assertEquals([named.layout.header, [...named.dataset.labels]], [true, [1]]);
  });
});

Deno.test("openCsv() names the line of what is wrong", async () => {
  const files = {
    "1.png": null,
    "missing.csv": "path,label\n1.png,0\ngone.png,1\n",
    "range.csv": "1.png,0\n1.png,7\n",
    "negative.csv": "1.png,0\n1.png,-1\n",
    "fields.csv": "1.png,0\n1.png\n",
  };
  await inFolder(files, async (root) => {
    const open = (name: string) => openCsv({ path: `${root}/${name}.csv`, classes: ["a", "b"] });
    await assertRejects(() => open("missing"), RangeError, `line 3 is "${root}/gone.png"`);
    await assertRejects(() => open("range"), RangeError, 'label of line 2 is "7"');
    await assertRejects(() => open("negative"), RangeError, 'label of line 2 is "-1"');
    await assertRejects(() => open("fields"), SyntaxError, "line 2");
    await assertRejects(
      () => openCsv({ path: `${root}/negative.csv` }),
      RangeError,
      'label of line 2 is "-1"',
    );
  });
});

Deno.test("openCsv() of training data names the line of a number that is no class", async () => {
  const rows = [0, 1, 2, 3, 2, 1, 0].map((label) => `1.png,${label}\n`).join("");
  const files = { "1.png": null, "good.csv": rows, "far.csv": `path,label\n${rows}1.png,200\n1.png,3\n` };
  await inFolder(files, async (root) => {
    const open = (name: string) => openCsv({ path: `${root}/${name}.csv`, complete: true });
    assertEquals((await open("good")).dataset.classes.length, 4);
    await assertRejects(
      () => open("far"),
      RangeError,
      `Cannot read "${root}/far.csv": label of line 9 is "200", of the classes up to it only 5 occur`,
    );
    // A few pictures of many classes to measure on are no mistake.
    assertEquals((await openCsv({ path: `${root}/far.csv` })).dataset.classes.length, 201);
  });
});

Deno.test("openDataset() takes the classes of other tables from train.csv", async () => {
  const files = {
    "1.png": null,
    "train.csv": "1.png,cat\n1.png,dog\n1.png,eel\n",
    "test.csv": "1.png,eel\n1.png,dog\n",
    "val.csv": "path,label\n1.png,dog\n1.png,fox\n",
  };
  await inFolder(files, async (root) => {
    const { dataset } = await openDataset(root, "test");
    assertEquals([dataset.classes, [...dataset.labels]], [["cat", "dog", "eel"], [2, 1]]);
    await assertRejects(() => openDataset(root, "val"), RangeError, 'val.csv": label of line 3 is "fox"');
  });
});

Deno.test("openDataset() picks the reader and says so", async () => {
  const record = "\0".repeat(3073);
  await inFolder({ "cifar-10-batches-bin/test_batch.bin": record }, async (root) => {
    const { dataset, found } = await openDataset(root, "test");
    assertEquals(found, "CIFAR in binary layout: cifar10/test, 1 pictures of 10 classes");
    assertEquals((await openDataset(`${root}/cifar-10-batches-bin/`, "test")).dataset.hash, dataset.hash);
  });
  await inFolder({ "a/1.png": null, "train.csv": "path,label\na/1.png,0\n" }, async (root) => {
    assertEquals((await openDataset(root, "train")).found.startsWith("table with a header row"), true);
    assertEquals((await openDataset(`${root}/train.csv`, "train")).dataset.length, 1);
  });
  await inFolder({ "a/1.png": null }, async (root) => {
    assertEquals((await openDataset(root, "train")).found.startsWith("class folders"), true);
  });
  await inFolder({ "readme.txt": "" }, async (root) => {
    await assertRejects(() => openDataset(root, "train"), RangeError, "must have one");
    await assertRejects(() => openDataset(`${root}/nowhere`, "train"), RangeError, "does not exist");
  });
  const scenes = await openDataset("scenes:seed=4,count=16,size=128", "test");
  assertEquals(scenes.dataset.where(2), "scene 2 of seed 4, test, 128 px");
});

Deno.test("parseScenes() refuses settings it does not know", () => {
  assertEquals(parseScenes("scenes"), { seed: 1, count: 1000, size: 512 });
  assertEquals(parseScenes("scenes:count=5"), { seed: 1, count: 5, size: 512 });
  assertThrows(() => parseScenes("scenes:colour=5"), SyntaxError, '"colour=5"');
  assertThrows(() => parseScenes("scenes:count=five"), SyntaxError, '"count=five"');
});
