/**
 * Data sets whose pictures are files.
 *
 * @module
 */
import { type Dataset, sha256 } from "./dataset.ts";

/** File names that are taken for pictures. */
export const PICTURE = /\.(jpe?g|png|webp)$/i;

/** One labelled file. */
export interface LabelledFile {
  /** Where it is. */
  readonly path: string;
  /** What it is called in the hash: the same wherever the data set lies. */
  readonly name: string;
  readonly label: number;
  /** What to call it in messages. */
  readonly where: string;
}

/** Files read at once while hashing. */
const PARALLEL = 16;

/** A data set over files. Reads every file once, for the hash. */
export async function fileDataset(
  x: { readonly name: string; readonly classes: readonly string[]; readonly files: readonly LabelledFile[] },
): Promise<Dataset> {
  const { name, classes, files } = x;
  const hashes: string[] = new Array(files.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const index = next++;
      const file = files[index]!;
      try {
        hashes[index] = `${file.name}:${file.label}:${await sha256(await Deno.readFile(file.path))}`;
      } catch (error) {
        throw new RangeError(
          `Cannot read ${name}: ${file.where} is missing or not readable, there must be a picture`,
          { cause: error },
        );
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  const at = (index: number): LabelledFile => {
    const file = files[index];
    if (file === undefined) throw new RangeError(`Cannot read picture ${index}: there are ${files.length}`);
    return file;
  };
  return {
    name,
    classes,
    length: files.length,
    hash: await sha256(`${classes.join()}\n${hashes.join("\n")}`),
    labels: Int32Array.from(files, ({ label }) => label),
    source: (index) => ({ kind: "file", path: at(index).path }),
    where: (index) => at(index).where,
  };
}

/** Whether a path exists, and as what. */
export async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await Deno.stat(path)).isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Sorted names in a folder: by code unit, so the same everywhere. */
export async function namesIn(path: string, wanted: "file" | "folder"): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) {
    if (entry.name.startsWith(".")) continue;
    const kind = entry.isSymlink
      ? await kindOf(`${path}/${entry.name}`)
      : entry.isDirectory
      ? "folder"
      : "file";
    if (kind === wanted) names.push(entry.name);
  }
  return names.sort();
}
