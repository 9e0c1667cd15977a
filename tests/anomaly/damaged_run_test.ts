/** Runs in folders with damaged checkpoints, and in folders that are not free. */
import { assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { TrainingRun } from "../../train/run.ts";
import { runScript } from "../support/command.ts";
import { inFolder, namesIn } from "../support/folder.ts";
import { ended, finish, killAfter, newest, PROGRAM, undisturbed } from "../support/tiny_process.ts";

Deno.test("train() whose newest checkpoint is cut off or garbage says so, takes the one before and loses no number", async () => {
  await inFolder(async (folder) => {
    await killAfter(folder, 13);
    const damages: readonly (readonly [string, (whole: Uint8Array) => Uint8Array])[] = [
      [".safetensors", (whole) => whole.subarray(0, whole.length / 3)],
      [".json", (whole) => whole.map((byte) => byte ^ 0x55)],
    ];
    const whole = await newest(folder);
    for (const [ending, damage] of damages) {
      const path = `${folder}/${whole}${ending}`;
      const bytes = await Deno.readFile(path);
      await Deno.writeFile(path, damage(bytes));
      const warnings: string[] = [];
      await loadCheckpoint(folder, { warn: (message) => warnings.push(message) });
      assertStringIncludes(warnings.join(), path);
      if (ending !== damages.at(-1)![0]) await Deno.writeFile(path, bytes);
    }
    const said = await finish(folder);
    assertStringIncludes(said, `Checkpoint "${whole}" is damaged, taking the one before`);
    assertEquals(await ended(folder), await undisturbed());
    // Nothing is left to go on from: an error that names every file, and no new run over the old one.
    for (const name of namesIn(folder).filter((name) => name.endsWith(".safetensors"))) {
      await Deno.truncate(`${folder}/${name}`, 100);
    }
    const { code, err } = await runScript(PROGRAM, folder);
    assertEquals(code, 1);
    assertStringIncludes(err, `Cannot load checkpoint from "${folder}": every one is damaged`);
    for (const name of namesIn(folder).filter((name) => name.endsWith(".safetensors"))) {
      assertStringIncludes(err, name);
    }
  });
});

Deno.test("train() in a folder another process trains in is refused, and disturbs nothing", async () => {
  await inFolder(async (folder) => {
    {
      using _other = await TrainingRun.open({ folder }, {}, {});
      const { code, err } = await runScript(PROGRAM, folder);
      assertEquals(code, 1);
      assertStringIncludes(
        err,
        `Cannot open run "${folder}": another process trains in it, there must be one`,
      );
    }
    await finish(folder);
    assertEquals(await ended(folder), await undisturbed());
  });
});
