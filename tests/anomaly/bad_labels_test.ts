/** Labels that are none, by the command line. */
import { assertEquals } from "@std/assert/mod.js";
import { stream } from "../../core/random.ts";
import { assertFailed, type Ran, saccade } from "../support/command.ts";
import { inFolder, namesIn } from "../support/folder.ts";
import { TINY_CLASSIFIER, tinyData, writePictures } from "../support/tiny_run.ts";

/** Trains the tiny classifier by the command line. */
async function train(root: string, data: string): Promise<Ran> {
  await Deno.writeTextFile(`${root}/recipe.json`, JSON.stringify(TINY_CLASSIFIER));
  return await saccade(
    ...["train", "--recipe", `${root}/recipe.json`, "--data", data, "--run", `${root}/run`],
    ...["--engine", "wasm", "--log-every", "1", "--save-every", "1"],
  );
}

Deno.test("saccade train names file and record of a label that is out of range", async () => {
  await inFolder(async (root) => {
    const random = stream(1, "cifar");
    const data = `${root}/data`;
    await Deno.mkdir(data);
    for (const part of [1, 2, 3, 4, 5]) {
      const records = Uint8Array.from(
        { length: 6 * 3073 },
        (_, i) => i % 3073 === 0 ? Math.floor(10 * random()) : 256 * random(),
      );
      if (part === 3) records[4 * 3073] = 200;
      await Deno.writeFile(`${data}/data_batch_${part}.bin`, records);
    }
    assertFailed(
      await train(root, data),
      1,
      `Cannot read "${data}/data_batch_3.bin": label of record 4 is 200, must be below 10`,
    );
    assertEquals(namesIn(root).includes("run"), false);
  });
});

Deno.test("saccade train names file and line of a label that is negative or far too large", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(4));
    const path = `${root}/data/train.csv`;
    for (
      const [row, told] of [
        ["red/000.png,-1", `Cannot read "${path}": label of line 6 is "-1", must be `],
        ["red/000.png,200", `Cannot read "${path}": label of line 6 is "200", `],
      ] as const
    ) {
      const rows = [
        "path,label",
        "red/000.png,0",
        "green/001.png,1",
        "blue/002.png,2",
        "white/003.png,3",
        row,
      ];
      await Deno.writeTextFile(path, rows.join("\n"));
      assertFailed(await train(root, `${root}/data`), 1, told);
    }
  });
});
