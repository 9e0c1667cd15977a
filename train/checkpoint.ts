/**
 * Checkpoints: everything a training run needs to go on as if it had never stopped.
 *
 * A checkpoint is two files with one number, `checkpoint-000012.safetensors` (weights, optimiser slots, averages)
 * and `checkpoint-000012.json` (stage, step, random streams, log position, and the hashes of both). Numbers only
 * rise, no file is ever written twice, and the JSON file is written last: whatever moment a process is killed at,
 * the newest checkpoint that has its JSON file is whole. The one before it is kept for the disk that lies.
 *
 * @module
 */
import type { Tensor } from "../core/tensor.ts";
import { decodeSafetensors, encodeSafetensors } from "../core/weights/safetensors.ts";
import { DISK, type Files, readJson, removeLeftovers, writeAtomic } from "./files.ts";

/** A value that JSON keeps exactly; numbers must be finite. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What is saved. */
export interface CheckpointContent {
  /** `float32` arrays by name: weights, `optimizer/...`, `ema/...`. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Stage, epoch, step, positions of random streams and of the log, options. */
  readonly state: { readonly [key: string]: Json };
}

/** What was found. */
export interface Checkpoint extends CheckpointContent {
  /** Name without ending: `checkpoint-000012`. */
  readonly name: string;
  /** Newer checkpoints that could not be used, newest first. */
  readonly rejected: readonly Rejected[];
}

/** A checkpoint that could not be used. */
export interface Rejected {
  /** Name without ending. */
  readonly name: string;
  /** What is wrong with it. */
  readonly reason: string;
}

/** Options of {@linkcode saveCheckpoint}. */
export interface SaveOptions {
  /** Checkpoints that stay, the new one included; at least 1. @default 2 */
  readonly keep?: number;
  /** File system to write to. @default DISK */
  readonly files?: Files;
}

/** Options of {@linkcode loadCheckpoint}. */
export interface LoadOptions {
  /** Told of every checkpoint that was passed over. @default console.warn */
  readonly warn?: (message: string) => void;
}

interface CheckpointFile {
  readonly format: "saccade-checkpoint";
  readonly version: 1;
  /** SHA-256 of the `.safetensors` file, hexadecimal. */
  readonly tensorsSha256: string;
  /** SHA-256 of `JSON.stringify(state)`, hexadecimal. */
  readonly stateSha256: string;
  readonly state: CheckpointContent["state"];
}

/**
 * Saves a checkpoint into a folder that has one writer, then removes those older than `keep`.
 *
 * @returns The checkpoint's name, `checkpoint-000012`.
 * @throws {TypeError} If the state holds what JSON cannot keep (not finite, not plain); nothing is written.
 * @throws {DiskFullError} If there is no room; the checkpoints before stay as they are.
 */
export async function saveCheckpoint(
  folder: string,
  { tensors, state }: CheckpointContent,
  { keep = 2, files = DISK }: SaveOptions = {},
): Promise<string> {
  if (!Number.isInteger(keep) || keep < 1) {
    throw new RangeError(`Cannot save checkpoint: keep is ${keep}, must be an integer of at least 1`);
  }
  requireJson(state, "state");
  await Deno.mkdir(folder, { recursive: true });
  await removeLeftovers(folder);
  const { numbers, complete } = await list(folder);
  // Arrays whose JSON file was never written: on a disk that was full they are what stands in the way now.
  const whole = new Set(complete);
  for (const number of numbers) {
    if (!whole.has(number)) await files.remove(`${folder}/${nameOf(number)}.safetensors`);
  }
  const name = nameOf((numbers[0] ?? 0) + 1);
  const bytes = encodeSafetensors(tensors);
  const record: CheckpointFile = {
    format: "saccade-checkpoint",
    version: 1,
    tensorsSha256: await sha256(bytes),
    stateSha256: await sha256(new TextEncoder().encode(JSON.stringify(state))),
    state,
  };
  await writeAtomic(`${folder}/${name}.safetensors`, bytes, { files });
  await writeAtomic(`${folder}/${name}.json`, JSON.stringify(record, null, 2) + "\n", { files });
  await prune(folder, { keep, files });
  return name;
}

/**
 * Loads the newest checkpoint that is whole; a damaged one is passed over and reported.
 *
 * @returns `undefined` if the folder holds no checkpoint.
 * @throws {Error} If there are checkpoints and none of them can be used: each with its reason.
 */
export async function loadCheckpoint(
  folder: string,
  { warn = console.warn }: LoadOptions = {},
): Promise<Checkpoint | undefined> {
  const { complete } = await list(folder);
  const rejected: Rejected[] = [];
  for (const number of complete) {
    const name = nameOf(number);
    try {
      return { ...await read(folder, name), name, rejected };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      rejected.push({ name, reason });
      if (number !== complete.at(-1)) {
        warn(`Checkpoint "${name}" is damaged, taking the one before: ${reason}`);
      }
    }
  }
  if (rejected.length === 0) return undefined;
  const reasons = rejected.map(({ name, reason }) => `\n  ${name}: ${reason}`).join("");
  throw new Error(`Cannot load checkpoint from "${folder}": every one is damaged${reasons}`);
}

async function read(folder: string, name: string): Promise<CheckpointContent> {
  const record = await readJson(`${folder}/${name}.json`) as Partial<CheckpointFile> | null;
  if (record?.format !== "saccade-checkpoint" || typeof record.state !== "object" || record.state === null) {
    throw new SyntaxError(`Cannot read "${folder}/${name}.json": not a checkpoint's JSON file`);
  }
  if (record.version !== 1) {
    throw new RangeError(`Cannot read "${folder}/${name}.json": version is ${record.version}, must be 1`);
  }
  const state = new TextEncoder().encode(JSON.stringify(record.state));
  if (await sha256(state) !== record.stateSha256) {
    throw new SyntaxError(
      `Cannot read "${folder}/${name}.json": the state does not have the SHA-256 it must have`,
    );
  }
  const path = `${folder}/${name}.safetensors`;
  const bytes = await Deno.readFile(path);
  const found = await sha256(bytes);
  if (found !== record.tensorsSha256) {
    throw new SyntaxError(`Cannot read "${path}": SHA-256 is ${found}, must be ${record.tensorsSha256}`);
  }
  return { tensors: decodeSafetensors(bytes).tensors, state: record.state };
}

/** Numbers in a folder, newest first: every one that is in use, and those whose JSON file is there. */
async function list(folder: string): Promise<{ numbers: number[]; complete: number[] }> {
  const numbers = new Set<number>();
  const complete: number[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const match = /^checkpoint-(\d{6,15})\.(json|safetensors)$/.exec(name);
      if (match === null) continue;
      numbers.add(Number(match[1]));
      if (match[2] === "json") complete.push(Number(match[1]));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const newestFirst = (a: number, b: number) => b - a;
  return { numbers: [...numbers].sort(newestFirst), complete: complete.sort(newestFirst) };
}

async function prune(folder: string, { keep, files }: Required<SaveOptions>): Promise<void> {
  const { numbers, complete } = await list(folder);
  const stay = new Set(complete.slice(0, keep));
  for (const number of numbers) {
    if (stay.has(number)) continue;
    await files.remove(`${folder}/${nameOf(number)}.json`); // first: a lone JSON file would look like damage
    await files.remove(`${folder}/${nameOf(number)}.safetensors`);
  }
}

function nameOf(number: number): string {
  return `checkpoint-${String(number).padStart(6, "0")}`;
}

function requireJson(value: unknown, path: string): void {
  if (value === null || typeof value === "boolean" || typeof value === "string") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (Array.isArray(value)) return value.forEach((item, index) => requireJson(item, `${path}[${index}]`));
  if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.entries(value).forEach(([key, item]) => requireJson(item, `${path}.${key}`));
  }
  throw new TypeError(`Cannot save checkpoint: ${path} is ${String(value)}, must be a value that JSON keeps`);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
