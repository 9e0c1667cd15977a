/**
 * Class folders: `<split>/<class>/<picture>`, or `<class>/<picture>` for a set that is not split.
 *
 * @module
 */
import type { Dataset } from "./dataset.ts";
import { fileDataset, kindOf, type LabelledFile, namesIn, PICTURE } from "./_files.ts";

/** Which folder and which part of it. */
export interface FolderOptions {
  /** Folder with `train` and `test` in it, or with the classes themselves. */
  readonly path: string;
  /** Part; a set without part folders is all `train`. */
  readonly split: string;
}

/**
 * A data set of JPEG, PNG and WebP files in class folders. Classes are the folder names, sorted, and those of `train`
 * for every part, so that labels agree between parts.
 *
 * @throws {RangeError} If there are no classes or no pictures, or a part has a class that `train` has not.
 */
export async function openFolder({ path, split }: FolderOptions): Promise<Dataset> {
  const root = path.replace(/\/+$/, "");
  const parted = await kindOf(`${root}/train`) === "folder";
  if (!parted && split !== "train") {
    throw new RangeError(
      `Cannot read "${root}": it has no "train" folder, so its only part is "train", not "${split}"`,
    );
  }
  const part = parted ? `${root}/${split}` : root;
  if (await kindOf(part) !== "folder") {
    throw new RangeError(`Cannot read "${root}": it has no folder "${split}", there must be one`);
  }
  const classes = await namesIn(parted ? `${root}/train` : root, "folder");
  const files: LabelledFile[] = [];
  for (const name of await namesIn(part, "folder")) {
    const label = classes.indexOf(name);
    if (label < 0) {
      throw new RangeError(
        `Cannot read "${part}": class "${name}" is not one of "${root}/train", it must be`,
      );
    }
    for (const file of await namesIn(`${part}/${name}`, "file")) {
      if (!PICTURE.test(file)) continue;
      const filePath = `${part}/${name}/${file}`;
      files.push({ path: filePath, name: `${name}/${file}`, label, where: filePath });
    }
  }
  if (files.length === 0) {
    throw new RangeError(
      `Cannot read "${part}": its folders hold no picture, must hold .jpg, .png or .webp files`,
    );
  }
  return await fileDataset({ name: `${root.slice(root.lastIndexOf("/") + 1)}/${split}`, classes, files });
}
