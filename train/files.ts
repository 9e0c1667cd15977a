/**
 * Files that are either whole or not there: written aside, fsynced, renamed.
 *
 * A process killed at any moment, or a disk that fills up, leaves what stood at the path before.
 *
 * @module
 */

/** What writing needs of a file system; tests hand in one that fails at a chosen call. */
export interface Files {
  /** Writes a new file (or replaces one) and returns after its bytes are on the disk. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Moves a file over whatever is at `to`, atomically. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(path: string): Promise<void>;
  /** Returns after the folder's entries (names, renames) are on the disk. */
  syncFolder(path: string): Promise<void>;
}

/** The disk of this machine. */
export const DISK: Files = { write, rename: Deno.rename, remove, syncFolder };

/** Options of {@linkcode writeAtomic}. */
export interface WriteOptions {
  /** File system to write to. @default DISK */
  readonly files?: Files;
}

/** Options of {@linkcode readJson}. */
export interface ReadJsonOptions {
  /** Files larger than this are refused unread. @default 64 MiB */
  readonly maxBytes?: number;
}

/** A write that failed because the disk, or the user's quota on it, is full. */
export class DiskFullError extends Error {
  /** File that was to be written. */
  readonly path: string;
  /** Bytes the write needs. */
  readonly bytes: number;

  /** `cause` is what the operating system said. */
  constructor(path: string, bytes: number, cause: unknown) {
    super(`Cannot write "${path}": the disk is full, ${bytes} bytes must be free`, { cause });
    this.name = "DiskFullError";
    this.path = path;
    this.bytes = bytes;
  }
}

/**
 * Writes a file as a whole: to a temporary name in the same folder, fsync, rename, fsync of the folder.
 *
 * @param content Bytes, or text that becomes UTF-8.
 * @throws {DiskFullError} If there is no room; nothing of the attempt is left behind.
 */
export async function writeAtomic(
  path: string,
  content: Uint8Array | string,
  { files = DISK }: WriteOptions = {},
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const { folder, name } = split(path);
  const aside = `${folder}/${TEMPORARY_PREFIX}${name}.${Deno.pid}`;
  try {
    await files.write(aside, bytes);
    await files.rename(aside, path);
  } catch (error) {
    await files.remove(aside).catch(() => {}); // the first error is the one to report
    throw isDiskFull(error) ? new DiskFullError(path, bytes.length, error) : error;
  }
  await files.syncFolder(folder);
}

/**
 * Reads a JSON file of bounded size.
 *
 * @returns The parsed value, unchecked.
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {RangeError} If the file is larger than `maxBytes`.
 * @throws {SyntaxError} If it is not JSON: the message names the file and what was found.
 */
export async function readJson(
  path: string,
  { maxBytes = 64 << 20 }: ReadJsonOptions = {},
): Promise<unknown> {
  let text: string;
  try {
    const { size, isFile } = await Deno.stat(path);
    if (!isFile) throw new TypeError(`Cannot read "${path}": not a file, must be a JSON file`);
    if (size > maxBytes) {
      throw new RangeError(`Cannot read "${path}": ${size} bytes, must be at most ${maxBytes}`);
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(`Cannot read "${path}": no such file, must be a JSON file`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const what = text.trim() === "" ? "the file is empty" : (error as SyntaxError).message;
    throw new SyntaxError(`Cannot read "${path}": ${what}, must be JSON`, { cause: error });
  }
}

/**
 * Removes what killed writes left in a folder that has one writer.
 *
 * @returns Names of the files that were removed.
 */
export async function removeLeftovers(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && entry.name.startsWith(TEMPORARY_PREFIX)) names.push(entry.name);
  }
  for (const name of names) await remove(`${folder}/${name}`);
  return names;
}

/** Whether an error says that there is no room left on the disk. */
export function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Writes every byte: one `write` may take fewer than it was given. */
export function writeAllSync(file: Pick<Deno.FsFile, "writeSync">, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

const TEMPORARY_PREFIX = ".writing-";

function split(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return { folder: ".", name: path };
  return { folder: slash === 0 ? "/" : path.slice(0, slash), name: path.slice(slash + 1) };
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  await file.sync();
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return; // folders cannot be opened there
  using folder = await Deno.open(path);
  await folder.sync();
}
