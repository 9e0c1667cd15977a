/** Runs that are killed: in a step, and at every kind of moment of writing a checkpoint. */
import { assert, assertEquals } from "@std/assert/mod.js";
import { inFolder, namesIn } from "../support/folder.ts";
import { ended, finish, killAfter, newest, program, undisturbed } from "../support/tiny_process.ts";

const DYING = new URL("../support/dying_run.ts", import.meta.url).href;

Deno.test("train() killed three times in three stages ends with the metrics and weights of a run that was not", async () => {
  await inFolder(async (folder) => {
    // Four steps and a validation an epoch: in the first stage, in the first epoch of finetuning, in the last stage.
    for (const steps of [3, 13, 22]) await killAfter(folder, steps);
    await finish(folder);
    assertEquals(await ended(folder), await undisturbed());
  });
});

Deno.test("train() killed at every kind of moment of writing a checkpoint has the one before, and goes on", async () => {
  await inFolder(async (folder) => {
    // Odd calls are arrays, even ones JSON. Every life dies while it writes its second checkpoint; numbers that were begun
    // are not used again.
    const lives = [
      { call: "write", number: 3, saved: 1, left: /^\.writing-checkpoint-000002\.safetensors/ },
      { call: "write", number: 4, saved: 2, left: /^\.writing-checkpoint-000003\.json/ },
      { call: "rename", number: 3, saved: 4, left: /^\.writing-checkpoint-000005\.safetensors/ },
      { call: "rename", number: 4, saved: 5, left: /^\.writing-checkpoint-000006\.json/ },
      { call: "renamed", number: 3, saved: 7, left: /^checkpoint-000008\.safetensors$/ },
      { call: "renamed", number: 4, saved: 10, left: /^checkpoint-000010\.json$/ },
    ];
    for (const { call, number, saved, left } of lives) {
      const what = `${call} ${number}`;
      const { signal, stderr } = await program(DYING, folder, call, String(number)).output();
      assertEquals(signal, "SIGKILL", `${what}: ${new TextDecoder().decode(stderr)}`);
      assert(namesIn(folder).some((name) => left.test(name)), `${what} left ${namesIn(folder)}`);
      assertEquals(await newest(folder), `checkpoint-${String(saved).padStart(6, "0")}`, what);
    }
    await finish(folder);
    assertEquals(await ended(folder), await undisturbed());
    assertEquals(namesIn(folder).filter((name) => /checkpoint/.test(name)).length, 4, `${namesIn(folder)}`);
  });
});
