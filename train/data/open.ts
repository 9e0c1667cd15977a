/**
 * Opening whatever `--data` names: looks at it, picks the reader, and says what it found.
 *
 * @module
 */
import { openCifar, recogniseCifar } from "./cifar.ts";
import { csvClasses, type CsvOptions, openCsv } from "./csv.ts";
import type { Dataset } from "./dataset.ts";
import { openFolder } from "./folder.ts";
import { sceneDataset, type SceneDatasetOptions } from "./scenes.ts";
import { kindOf, namesIn } from "./_files.ts";

/** A data set and what it was taken for. */
export interface Opened {
  /** The pictures. */
  readonly dataset: Dataset;
  /** One line for the log. */
  readonly found: string;
}

/**
 * Opens one part of a data set.
 *
 * - `scenes` or `scenes:seed=1,count=1000,size=512`: procedural scenes
 * - a folder with CIFAR's `.bin` files (or a folder of that in it), or a `.tar`, `.tar.gz`, `.tgz` of them
 * - a `.csv` file, or a folder with `<split>.csv`, whose classes are those of `train.csv` if that is there
 * - a folder of class folders, with or without `train` and `test` above them
 *
 * @param split `train`, `test`, or another part the data set has.
 * @throws {RangeError} If it is none of these, or the part is missing or damaged.
 */
export async function openDataset(spec: string, split: string): Promise<Opened> {
  if (/^scenes(:|$)/.test(spec)) {
    const options = parseScenes(spec);
    return told(await sceneDataset({ ...options, split }), `procedural scenes, seed ${options.seed}`);
  }
  const path = spec.length > 1 ? spec.replace(/\/+$/, "") : spec;
  const kind = await kindOf(path);
  if (kind === undefined) {
    throw new RangeError(
      `Cannot open data "${spec}": it does not exist, must be a folder, a .tar or .csv file, or "scenes:seed=1,count=1000"`,
    );
  }
  if (kind === "file") {
    if (/\.csv$/i.test(path)) return await table({ path, complete: split === "train" });
    if (/\.(tar|gz|tgz|xz|txz|bz2|zst)$/i.test(path)) return await cifar(path, split);
    throw new RangeError(`Cannot open data "${spec}": it is neither .csv nor .tar, must be one or a folder`);
  }
  const files = await namesIn(path, "file");
  if (recogniseCifar(files) !== undefined) return await cifar(path, split);
  if (files.includes(`${split}.csv`)) {
    const own = { path: `${path}/${split}.csv`, complete: split === "train" };
    if (split === "train" || !files.includes("train.csv")) return await table(own);
    // The same label has to be the same class in every part.
    return await table({ ...own, classes: await csvClasses(`${path}/train.csv`) });
  }
  const folders = await namesIn(path, "folder");
  for (const name of folders) {
    if (/^cifar-100?-/.test(name) && recogniseCifar(await namesIn(`${path}/${name}`, "file")) !== undefined) {
      return await cifar(`${path}/${name}`, split);
    }
  }
  if (folders.length > 0) return told(await openFolder({ path, split }), "class folders");
  throw new RangeError(
    `Cannot open data "${spec}": it has no .bin files of CIFAR, no "${split}.csv" and no class folders, must have one`,
  );
}

function told(dataset: Dataset, what: string): Opened {
  return {
    dataset,
    found: `${what}: ${dataset.name}, ${dataset.length} pictures of ${dataset.classes.length} classes`,
  };
}

async function cifar(path: string, split: string): Promise<Opened> {
  if (split !== "train" && split !== "test") {
    throw new RangeError(
      `Cannot open data "${path}": CIFAR has no part "${split}", must be "train" or "test"`,
    );
  }
  return told(await openCifar({ path, split }), "CIFAR in binary layout");
}

async function table(options: CsvOptions): Promise<Opened> {
  const { dataset, layout } = await openCsv(options);
  const order = layout.pathColumn === 0 ? "path,label" : "label,path";
  return told(dataset, `table ${layout.header ? "with" : "without"} a header row, columns ${order}`);
}

/**
 * Reads `scenes:seed=1,count=1000,size=512`; what is left out is seed 1, 1000 scenes, 512 px.
 *
 * @throws {SyntaxError} If a setting is unknown or not an integer.
 */
export function parseScenes(spec: string): SceneDatasetOptions {
  const options = { seed: 1, count: 1000, size: 512 };
  const settings = spec.slice("scenes".length).replace(/^:/, "");
  for (const setting of settings === "" ? [] : settings.split(",")) {
    const match = /^(seed|count|size)=(-?\d+)$/.exec(setting.trim());
    if (match === null) {
      throw new SyntaxError(
        `Cannot read "${spec}": "${setting}" is no setting, must be seed=, count= or size= with an integer`,
      );
    }
    options[match[1] as keyof typeof options] = Number(match[2]);
  }
  return options;
}
