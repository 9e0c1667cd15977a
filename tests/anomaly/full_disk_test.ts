/** Disks that fill up while a run is written to them: real ones, in memory. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { DiskFullError } from "../../train/files.ts";
import { type LogPosition, readMetrics, RunLog } from "../../train/log/mod.ts";
import { assertFailed, saccade } from "../support/command.ts";
import { readEvents } from "../support/events.ts";
import { inFolder, namesIn } from "../support/folder.ts";
import { testUnless } from "../support/skip.ts";
import { TINY_CLASSIFIER, tinyData, writePictures } from "../support/tiny_run.ts";
import { noDisks, onDisk } from "../support/tmpfs.ts";

const reason = noDisks();
if (reason !== undefined) console.error(`skipping full disks: ${reason}`);

/** What is left of a disk, in bytes, goes into a file. */
function fill(folder: string): void {
  using file = Deno.openSync(`${folder}/filler`, { create: true, write: true });
  for (const size of [1 << 16, 1 << 12, 1]) {
    try {
      while (true) file.writeSync(new Uint8Array(size));
    } catch {
      // No room for one more of this size.
    }
  }
}

testUnless(
  reason,
  "saccade train on a disk that fills up keeps its checkpoints, says which file found no room, and goes on",
  async () => {
    await inFolder(async (root) => {
      await writePictures(`${root}/data`, await tinyData(20));
      await Deno.writeTextFile(`${root}/recipe.json`, JSON.stringify(TINY_CLASSIFIER));
      const train = (folder: string) =>
        saccade(
          ...["train", "--recipe", `${root}/recipe.json`, "--data", `${root}/data`, "--run", folder],
          ...["--engine", "wasm", "--log-every", "1", "--save-every", "2"],
        );
      const ended = async (folder: string) => ({
        rows: (await readMetrics(folder)).map(({ time: _, ...row }) => row),
        tensors: (await loadCheckpoint(folder))!.tensors,
        network: await Deno.readFile(`${folder}/network.safetensors`),
      });
      const whole = await train(`${root}/whole`);
      assertEquals(whole.code, 0, whole.err);
      // Two checkpoints of 630 kB fit, and what is written beside the third has to wait.
      await onDisk(1500, async ({ folder, resize }) => {
        const run = `${folder}/run`;
        assertFailed(
          await train(run),
          1,
          `Cannot write "${run}/checkpoint-000003.safetensors": the disk is full, `,
        );
        assertEquals((await loadCheckpoint(run))!.name, "checkpoint-000002");
        assert(!namesIn(run).some((name) => name.startsWith(".writing-")), `${namesIn(run)}`);
        resize(1300); // by now even the log has no room
        fill(folder);
        const again = await train(run);
        assertFailed(again, 1, `Cannot write "${run}/`, "the disk is full");
        assertEquals((await loadCheckpoint(run))!.name, "checkpoint-000002");
        await Deno.remove(`${folder}/filler`);
        resize(16_000);
        const { code, err } = await train(run);
        assertEquals(code, 0, err);
        assertEquals(await ended(run), await ended(`${root}/whole`));
      });
    });
  },
);

/** Logs until there is no room. */
function* logging(log: RunLog, from: number): Generator<number> {
  for (let step = from;; step++) {
    log.scalars({ stage: "policy", step, epoch: 0 }, { loss: 1 / (1 + step), accuracy: 0.5 });
    yield step;
  }
}

testUnless(
  reason,
  "RunLog on a full disk keeps whole lines and whole events, names the file, and goes on when there is room",
  async () => {
    await onDisk(64, async ({ folder }) => {
      let last = -1;
      let saved: LogPosition;
      {
        using log = await RunLog.open(folder);
        for (const step of logging(log, 0)) {
          last = step;
          if (step === 9) break;
        }
        await log.flush();
        saved = log.position();
        fill(folder);
        const failure = assertThrows(
          () => {
            for (const step of logging(log, 10)) last = step;
          },
          DiskFullError,
          `Cannot write "${folder}/`,
        ) as DiskFullError;
        assert(/\/(metrics\.jsonl|events\.out\.tfevents\.\d+\.saccade)$/.test(failure.path), failure.path);
        // The page both files ended in took some more; nothing is cut off.
        assert(last > 9, `${last}`);
        const rows = await readMetrics(folder);
        assert((await Deno.readTextFile(`${folder}/metrics.jsonl`)).endsWith("}\n"));
        assert(
          rows.length === last + 1 || rows.length === last + 2,
          `${rows.length} rows, ${last + 1} logged`,
        );
        assertEquals((await readEvents(folder)).length, last + 2); // a version first
        await assertRejects(
          () => log.report({ title: "full" }),
          DiskFullError,
          `Cannot write "${folder}/curves.svg"`,
        );
      }
      assertEquals(namesIn(folder).filter((name) => /curves|report|writing/.test(name)), []);
      await Deno.remove(`${folder}/filler`);
      using log = await RunLog.open(folder, { resumeAt: saved });
      for (const step of logging(log, 10)) if (step === 19) break;
      await log.report({ title: "room" });
      assertEquals(
        (await readMetrics(folder)).map(({ step }) => step),
        Array.from({ length: 20 }, (_, step) => step),
      );
      assertEquals((await readEvents(folder)).length, 21);
      assert((await Deno.readTextFile(`${folder}/report.html`)).includes("<svg"));
    });
  },
);

testUnless(reason, "RunLog that cannot be started on a full disk says so", async () => {
  await onDisk(64, async ({ folder }) => {
    fill(folder);
    await assertRejects(
      () => RunLog.open(folder),
      DiskFullError,
      `Cannot write "${folder}/events.out.tfevents.`,
    );
  });
});
