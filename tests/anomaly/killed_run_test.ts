import { assert, assertEquals } from "@std/assert/mod.js";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { readMetrics } from "../../train/log/mod.ts";
import { inFolder } from "../support/folder.ts";

const PROGRAM = new URL("../support/tiny_run.ts", import.meta.url).href;

/** A program that trains in a folder. */
function program(folder: string): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", PROGRAM, folder],
    stdout: "null",
    stderr: "piped",
  });
}

/** Trains in a folder to the end. */
async function finish(folder: string): Promise<void> {
  const { code, stderr } = await program(folder).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

/** How many steps were written down so far, whole lines only. */
async function stepsIn(folder: string): Promise<number> {
  const text = await Deno.readTextFile(`${folder}/metrics.jsonl`).catch(() => "");
  return text.split("\n").length - 1;
}

/** Metrics without the time, and the last weights. */
async function ended(folder: string): Promise<unknown> {
  const rows = (await readMetrics(folder)).map(({ time: _, ...row }) => row);
  return { rows, tensors: (await loadCheckpoint(folder))!.tensors };
}

Deno.test("train() killed three times in three stages ends with the metrics and weights of a run that was not", async () => {
  await inFolder(async (root) => {
    await finish(`${root}/whole`);
    const folder = `${root}/killed`;
    // Four steps and a validation an epoch: in the first stage, in the first epoch of finetuning, in the last stage.
    for (const steps of [3, 13, 22]) {
      const child = program(folder).spawn();
      let alive = true;
      const over = child.status.then((status) => {
        alive = false;
        return status;
      });
      while (alive && await stepsIn(folder) < steps) await new Promise((resolve) => setTimeout(resolve, 5));
      assert(alive, `the run was over before step ${steps}`);
      child.kill("SIGKILL");
      assertEquals((await over).signal, "SIGKILL");
      await child.stderr.cancel();
    }
    await finish(folder);
    assertEquals(await ended(folder), await ended(`${root}/whole`));
  });
});
