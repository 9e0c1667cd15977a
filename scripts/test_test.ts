import { assert, assertEquals } from "@std/assert/mod.js";
import { inFolder } from "../tests/support/folder.ts";
import { summarize } from "./test.ts";

Deno.test("summarize() reads the last summary and the names of the ignored tests", () => {
  const output = [
    "running 3 tests from ./a_test.ts",
    "a ... ok (1ms)",
    "b [skipped: no ../shared/data] ... ignored (0ms)",
    "  step [skipped: no browser] ... ignored (0ms)",
    "",
    "ok | 12 passed (3 steps) | 0 failed | 1 ignored (1 step) (2s)",
  ].join("\n");
  assertEquals(summarize(output, 0), {
    passed: 12,
    failed: 0,
    skipped: 1,
    skips: ["b [skipped: no ../shared/data]", "step [skipped: no browser]"],
  });
  assertEquals(summarize("FAILED | 3 passed | 2 failed (1 step) (1s)\n", 1).failed, 2);
});

Deno.test("summarize() counts a run that broke off as a failure", () => {
  assertEquals(summarize("", 1), { passed: 0, failed: 1, skipped: 0, skips: [] });
  assertEquals(summarize("ok | 3 passed | 0 failed (1s)\n", 1).failed, 1); // a sanitizer or an uncaught error
});

Deno.test("scripts/test.ts ends with the counts and the exit code of the run", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/a_test.ts`,
      `Deno.test("right", () => {});
       Deno.test({ name: "other [skipped: no luck]", ignore: true, fn() {} });
       Deno.test("wrong", () => { throw new Error("no"); });`,
    );
    const run = async (...args: string[]) => {
      const script = new URL("./test.ts", import.meta.url).pathname;
      const command = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-config", script, "--no-config", `${folder}/a_test.ts`, ...args],
      });
      const { code, stdout } = await command.output();
      return { code, text: new TextDecoder().decode(stdout).trimEnd() };
    };
    const all = await run();
    assertEquals([all.code, all.text.split("\n").at(-1)], [1, "1 passed, 1 failed, 1 skipped"]);
    assert(all.text.includes("Skipped:\n  other [skipped: no luck]\n"), all.text);
    const some = await run("--filter", "/right|other/");
    assertEquals([some.code, some.text.split("\n").at(-1)], [0, "1 passed, 0 failed, 1 skipped"]);
  }));
