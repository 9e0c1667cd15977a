/**
 * Fails where `exports` in `deno.json` and the doors of the tree disagree: every top-level folder with a `mod.ts`
 * is exported under its name, and every export is a file that is there and not private.
 *
 * `deno run -A scripts/check_exports.ts [FOLDER]` prints what is wrong and exits with 1.
 *
 * @module
 */
import { readJson } from "../train/files.ts";

/** Folders that have doors for our own use only. */
const INTERNAL = new Set(["scripts", "tests", "bench"]);

/** What is wrong, one sentence each. */
export async function checkExports(root: string): Promise<string[]> {
  const { exports = {} } = await readJson(`${root}/deno.json`) as { exports?: Record<string, string> };
  const wrong: string[] = [];
  for (const [name, path] of Object.entries(exports)) {
    if (!await isFile(`${root}/${path}`)) wrong.push(`export "${name}" is "${path}", which is not there`);
    if (/\/_/.test(path)) wrong.push(`export "${name}" is "${path}", which is private`);
  }
  for (const [name, path] of await doors(root)) {
    if (exports[name] !== path) {
      wrong.push(`export "${name}" is ${JSON.stringify(exports[name] ?? null)}, must be "${path}"`);
    }
  }
  return wrong;
}

async function doors(root: string): Promise<[name: string, path: string][]> {
  const found: [string, string][] = [];
  if (await isFile(`${root}/mod.ts`)) found.push([".", "./mod.ts"]);
  for await (const { name, isDirectory } of Deno.readDir(root)) {
    if (!isDirectory || name.startsWith(".") || INTERNAL.has(name)) continue;
    if (await isFile(`${root}/${name}/mod.ts`)) found.push([`./${name}`, `./${name}/mod.ts`]);
  }
  return found.sort();
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const wrong = await checkExports(Deno.args[0] ?? ".");
  for (const sentence of wrong) console.error(`deno.json: ${sentence}`);
  console.error(`exports: ${wrong.length} findings`);
  if (wrong.length > 0) Deno.exit(1);
}
