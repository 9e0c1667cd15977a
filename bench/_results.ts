/**
 * What every page of results needs: the commit, the machine, and a file that is whole or not there.
 *
 * @module
 */
import os from "node:os";
import { writeAtomic } from "../train/files.ts";

/** Where results were measured. */
export interface Setting {
  readonly commit: string;
  /** `YYYY-MM-DD`. */
  readonly date: string;
  /** Processor, cores, memory. */
  readonly machine: string;
  readonly deno: string;
}

/** This checkout on this machine, now. */
export async function settingOf(): Promise<Setting> {
  return {
    commit: await commitOf(),
    date: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0]?.model.trim() ?? "unknown"}, ${os.cpus().length} cores, ${
      Math.round(os.totalmem() / 2 ** 30)
    } GiB`,
    deno: Deno.version.deno,
  };
}

async function commitOf(): Promise<string> {
  const root = decodeURIComponent(new URL("../", import.meta.url).pathname);
  const git = async (...args: string[]): Promise<string | undefined> => {
    const { success, stdout } = await new Deno.Command("git", { args: ["-C", root, ...args] }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  };
  try {
    const head = await git("rev-parse", "--short", "HEAD");
    const changes = await git("status", "--porcelain", "--untracked-files=no");
    if (head === undefined || changes === undefined) return "unknown";
    return head + (changes === "" ? "" : ", with changes");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "unknown";
    throw error;
  }
}

/** Lines of Markdown that say where results were measured. */
export function settingLines({ commit, date, machine, deno }: Setting): string[] {
  return [`- Commit ${commit}, ${date}, Deno ${deno}`, `- ${machine}`];
}

/** The folder results go to if no other is named. */
export const RESULTS = decodeURIComponent(new URL("./results", import.meta.url).pathname);

/** Writes `name.json` and `name.md`, formatted. */
export async function writeResults(
  folder: string,
  name: string,
  { results, page }: { readonly results: unknown; readonly page: string },
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const [json, markdown] = [`${folder}/${name}.json`, `${folder}/${name}.md`];
  await writeAtomic(json, `${JSON.stringify(results, null, 2)}\n`);
  await writeAtomic(markdown, page);
  await format(json, markdown);
}

/** Formats files as the check of the project wants them. */
export async function format(...paths: readonly string[]): Promise<void> {
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...paths] }).output();
}

/** The middle of some values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
