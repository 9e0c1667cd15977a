import { assertEquals } from "@std/assert/mod.js";
import { checkPrints, modelPrints, PRINTS } from "../../scripts/build_model_prints.ts";
import { inFolder } from "../support/folder.ts";

Deno.test("print() of every network is its golden file; deno run -A scripts/build_model_prints.ts renews them", async () => {
  assertEquals(await checkPrints(PRINTS), []);
});

Deno.test("checkPrints() says which print is missing, differs from which line on, or is of no network", async () => {
  await inFolder(async (folder) => {
    const prints = [...modelPrints()];
    for (const [file, text] of prints.slice(1)) await Deno.writeTextFile(`${folder}/${file}`, text);
    const [[missing], [changed, text]] = prints as [[string, string], [string, string]];
    await Deno.writeTextFile(`${folder}/${changed}`, text.replace("conv1", "conv0"));
    await Deno.writeTextFile(`${folder}/other.txt`, "");
    const line = 1 + text.split("\n").findIndex((one) => one.includes("conv1"));
    assertEquals(
      await checkPrints(folder),
      [`${missing} is missing`, `${changed} differs from line ${line}`, "other.txt is of no network"].sort(),
    );
  });
});
