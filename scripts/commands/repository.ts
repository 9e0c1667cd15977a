/**
 * Bundles in a repository folder.
 *
 * @module
 */
import { type Bundle, readBundle } from "../../core/bundle/mod.ts";
import { MissingError, UsageError } from "./command.ts";

/** The repository that ships, beside this checkout's code. */
export const REPOSITORY = new URL("../../models/repository", import.meta.url).pathname;

/** A folder on disk as a bundle. */
export async function openBundle(folder: string): Promise<Bundle> {
  return await readBundle((file) => Deno.readFile(`${folder}/${file}`));
}

/**
 * The bundle of `model` or `model@version`; without a version the highest.
 *
 * @throws {MissingError} If it is not there, naming what is.
 */
export async function findBundle(repository: string, name: string): Promise<Bundle> {
  const [, model, version] = /^([a-z0-9][a-z0-9._-]*)(?:@([1-9]\d*))?$/.exec(name) ?? [];
  if (model === undefined) {
    throw new UsageError(`Cannot find model "${name}": its name must be a model or model@version`);
  }
  const versions = (await entries(`${repository}/${model}`)).filter((each) => /^[1-9]\d*$/.test(each))
    .map(Number).sort((a, b) => a - b);
  const wanted = version === undefined ? versions.at(-1) : Number(version);
  if (wanted === undefined || !versions.includes(wanted)) {
    const there = versions.length > 0
      ? `of it there is version ${versions.join(", ")}`
      : `there is ${(await entries(repository)).join(", ") || "nothing"}`;
    throw new MissingError(`Cannot find model "${name}" in "${repository}": ${there}`);
  }
  return await openBundle(`${repository}/${model}/${wanted}`);
}

async function entries(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && !name.startsWith(".")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}
