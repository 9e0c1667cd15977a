/**
 * Writes the prints of all networks into `tests/golden/models`, one file each; with `--check` it only compares.
 *
 * A print that changed is a network that changed: weights trained for the old one may no longer fit.
 *
 * @module
 */
import { print } from "../core/graph/mod.ts";
import { gridPolicy, type Model, MODELS, patchReader, resNetCifar } from "../models/mod.ts";
import { writeAtomic } from "../train/files.ts";

/** Where the prints are, from the root. */
export const PRINTS = "tests/golden/models";

/** The networks of bundles that the zoo has under no name: policies and readers of the recipes. */
const PARTS: Readonly<Record<string, Model["build"]>> = {
  "policy-cifar": () => resNetCifar({ depth: 8, outputs: 16, side: 8, input: "glance", head: "flatten" }),
  "policy-grid": () => gridPolicy({ side: 64, rows: 16, columns: 16, bias: -3 }),
  "patch-reader": () => patchReader({ side: 48, classes: 10 }),
};

/** Every print by the name of its file. */
export function modelPrints(): Map<string, string> {
  const zoo = Object.entries(MODELS).map(([name, { build }]): [string, Model["build"]] => [name, build]);
  return new Map([...zoo, ...Object.entries(PARTS)].map(([name, build]) => [`${name}.txt`, print(build())]));
}

/** What is wrong with the prints of a folder, one sentence each; empty when all is as it must be. */
export async function checkPrints(folder: string): Promise<string[]> {
  const prints = modelPrints();
  const wrong: string[] = [];
  for (const [file, text] of prints) {
    const found = await Deno.readTextFile(`${folder}/${file}`).catch(() => undefined);
    if (found === undefined) wrong.push(`${file} is missing`);
    else if (found !== text) wrong.push(`${file} differs from line ${firstDifference(found, text)}`);
  }
  for await (const { name } of Deno.readDir(folder)) {
    if (!prints.has(name)) wrong.push(`${name} is of no network`);
  }
  return wrong.sort();
}

/** The first line, from 1, in which two texts differ. */
function firstDifference(a: string, b: string): number {
  const lines = b.split("\n");
  return 1 + a.split("\n").findIndex((line, i) => line !== lines[i]);
}

if (import.meta.main) {
  if (Deno.args.includes("--check")) {
    const wrong = await checkPrints(PRINTS);
    for (const sentence of wrong) console.error(`${PRINTS}: ${sentence}`);
    console.error(`model prints: ${modelPrints().size} networks, ${wrong.length} findings`);
    if (wrong.length > 0) Deno.exit(1);
  } else {
    await Deno.mkdir(PRINTS, { recursive: true });
    const prints = modelPrints();
    for await (const { name } of Deno.readDir(PRINTS)) {
      if (!prints.has(name)) await Deno.remove(`${PRINTS}/${name}`);
    }
    for (const [file, text] of prints) await writeAtomic(`${PRINTS}/${file}`, text);
    console.error(`wrote ${prints.size} prints into ${PRINTS}`);
  }
}
