/** Pictures of training data that are corrupt, from the start or from some moment on. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import { permutation, stream } from "../../core/random.ts";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { openDataset } from "../../train/data/mod.ts";
import { split } from "../../train/data/split.ts";
import { readMetrics } from "../../train/log/mod.ts";
import { assertFailed, type Ran, runScript, saccade } from "../support/command.ts";
import { inFolder, namesIn } from "../support/folder.ts";
import { TINY_CLASSIFIER, tinyData, writePictures } from "../support/tiny_run.ts";

const SPOILT = new URL("../support/spoilt_run.ts", import.meta.url).href;

/** Trains the tiny classifier by the command line. */
async function train(root: string, data: string): Promise<Ran> {
  await Deno.writeTextFile(`${root}/recipe.json`, JSON.stringify(TINY_CLASSIFIER));
  return await saccade(
    ...["train", "--recipe", `${root}/recipe.json`, "--data", data, "--run", `${root}/run`],
    ...["--engine", "wasm", "--log-every", "1", "--save-every", "1"],
  );
}

/** Cuts a file off in the middle of its pixels. */
function spoil(file: string): void {
  Deno.truncateSync(file, 60);
}

/** Files of the training part in the order in which the first epoch reads them. */
async function firstEpoch(data: string): Promise<string[]> {
  const { dataset } = await openDataset(data, "train");
  const { seed, validation } = TINY_CLASSIFIER;
  const { train } = await split(dataset, { validation, seed });
  return Array.from(permutation(train.length, stream(seed, "shuffle/0")), (index) => train.where(index));
}

Deno.test("saccade train names the first corrupt file of class folders in the order of training, and keeps what it had", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(20));
    const order = await firstEpoch(`${root}/data`);
    // In the third and in the last batch, and the second of the two in the third one: two workers decode.
    for (const place of [14, 11, 10]) spoil(order[place]!);
    for (let round = 0; round < 2; round++) {
      assertFailed(
        await train(root, `${root}/data`),
        1,
        `Cannot load "${order[10]}" of data/train/train: `,
        "ends",
      );
    }
    assertEquals((await loadCheckpoint(`${root}/run`))!.name, "checkpoint-000002");
    assertEquals((await readMetrics(`${root}/run`)).map(({ step }) => step), [1, 2]);
  });
});

Deno.test("saccade train names file and line of a table whose picture is corrupt", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(20));
    const files = ["red", "green", "blue", "white"].flatMap((label) =>
      namesIn(`${root}/data/${label}`).map((name) => ({ path: `${label}/${name}`, label }))
    );
    const rows = files.map(({ path, label }) => `${path},${label}\n`);
    await Deno.writeTextFile(`${root}/data/train.csv`, `path,label\n${rows.join("")}`);
    const order = await firstEpoch(`${root}/data/train.csv`);
    const where = order[9]!;
    spoil(where.slice(0, where.indexOf(" (line ")));
    assert(/\.png \(line \d+ of .*train\.csv\)$/.test(where), where);
    assertFailed(await train(root, `${root}/data`), 1, `Cannot load "${where}" of train/train: `);
  });
});

/** Trains in a process that ends by itself or not at all; gives the message of the error it ended with. */
async function spoilt(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await runScript(SPOILT, ...args);
  assertEquals(code, 0, err);
  return out;
}

Deno.test("train() whose file goes bad in the middle leaves a checkpoint, and goes on to the same numbers when it is back", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(20));
    const file = `${root}/data/red/004.png`;
    const whole = await Deno.readFile(file);
    const run = (folder: string, ...bad: readonly string[]): Promise<string> =>
      spoilt(`${root}/data`, `${root}/${folder}`, "classifier", ...bad);
    assertStringIncludes(await run("run", file), `Cannot load "${file}" of data/train`);
    const rows = await readMetrics(`${root}/run`);
    assert(rows.length >= 5, `${rows.length} lines`);
    await loadCheckpoint(`${root}/run`, { warn: (message) => assert(false, message) });
    // The data is not the same while the file is bad, and the run does not go on with other data.
    assertStringIncludes(await run("run"), "it was started with other options or data (dataHash)");
    await Deno.writeFile(file, whole);
    assertEquals(await run("run"), "");
    assertEquals(await run("whole"), "");
    const ended = async (folder: string) => ({
      rows: (await readMetrics(folder)).map(({ time: _, ...row }) => row),
      tensors: (await loadCheckpoint(folder))!.tensors,
    });
    assertEquals(await ended(`${root}/run`), await ended(`${root}/whole`));
  });
});

Deno.test("train() of several stages whose file goes bad ends: no worker of training or of validation is left", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(20));
    const file = `${root}/data/red/004.png`;
    const told = await spoilt(`${root}/data`, `${root}/run`, "patchdrop", file);
    assertStringIncludes(told, `Cannot load "${file}" of data/train`);
  });
});
