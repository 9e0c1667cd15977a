/**
 * Tiny runs in processes of their own, and what they leave.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert/mod.js";
import { loadCheckpoint } from "../../train/checkpoint.ts";
import { readMetrics } from "../../train/log/mod.ts";
import { runScript } from "./command.ts";
import { inFolder } from "./folder.ts";

/** The tiny run as a program. */
export const PROGRAM = new URL("./tiny_run.ts", import.meta.url).href;

/** A program that trains in a folder. */
export function program(script: string, ...args: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", script, ...args],
    stdout: "null",
    stderr: "piped",
  });
}

/** Trains in a folder to the end. */
export async function finish(folder: string): Promise<string> {
  const { code, err } = await runScript(PROGRAM, folder);
  assertEquals(code, 0, err);
  return err;
}

/** Trains in a folder and kills the process when so many steps were written down. */
export async function killAfter(folder: string, steps: number): Promise<void> {
  const child = program(PROGRAM, folder).spawn();
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

/** How many steps were written down so far, whole lines only. */
async function stepsIn(folder: string): Promise<number> {
  const text = await Deno.readTextFile(`${folder}/metrics.jsonl`).catch(() => "");
  return text.split("\n").length - 1;
}

/** Metrics without the time, and the last weights. */
export async function ended(folder: string): Promise<unknown> {
  const rows = (await readMetrics(folder)).map(({ time: _, ...row }) => row);
  return { rows, tensors: (await loadCheckpoint(folder))!.tensors };
}

/** Name of the newest checkpoint, which must be whole. */
export async function newest(folder: string): Promise<string> {
  const found = await loadCheckpoint(folder, { warn: (message) => assert(false, message) });
  return found!.name;
}

let first: Promise<unknown> | undefined;

/** What a run leaves that was never interrupted; worked out once. */
export function undisturbed(): Promise<unknown> {
  return first ??= (async () => {
    let result: unknown;
    await inFolder(async (folder) => {
      await finish(folder);
      result = await ended(folder);
    });
    return result;
  })();
}
