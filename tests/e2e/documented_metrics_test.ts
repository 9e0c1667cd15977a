import { assert, assertEquals } from "@std/assert/mod.js";
import { readMetrics } from "../../train/log/mod.ts";
import { inFolder } from "../support/folder.ts";
import { tinyRun } from "../support/tiny_run.ts";

const PAGE = new URL("../../docs/algorithms/patchdrop.md", import.meta.url);

Deno.test("train() logs no number without a sentence in docs/algorithms/patchdrop.md", async () => {
  const documented = new Set(
    [...(await Deno.readTextFile(PAGE)).matchAll(/^- `(\w+)`: \S/gm)].map((match) => match[1]!),
  );
  for (const own of ["step", "epoch", "stage", "time"]) assert(documented.has(own), own);
  const say = console.error;
  console.error = () => {};
  try {
    await inFolder(async (folder) => {
      await tinyRun(folder);
      const logged = new Set((await readMetrics(folder)).flatMap(({ scalars }) => Object.keys(scalars)));
      assert(logged.size > 5);
      assertEquals([...logged].filter((name) => !documented.has(name)), []);
    });
  } finally {
    console.error = say;
  }
});
