/**
 * A table of pictures: `path,label` or `label,path`, with or without a header row.
 *
 * @module
 */
import { parse } from "@std/csv/mod.js";
import type { Dataset } from "./dataset.ts";
import { fileDataset, kindOf, type LabelledFile, PICTURE } from "./_files.ts";

/** Which table, and which classes. */
export interface CsvOptions {
  /** The table; paths in it are relative to its folder. */
  readonly path: string;
  /** Class names in label order. @default the numbers or the sorted names that occur */
  readonly classes?: readonly string[];
  /**
   * The table is one to train on, so that its classes occur: numbers most of which do not are refused as labels out of
   * range. @default false
   */
  readonly complete?: boolean;
}

/** What was seen in the first row. */
export interface CsvLayout {
  /** Whether the first row names the columns. */
  readonly header: boolean;
  /** Column of the path, 0 or 1; the other is the label. */
  readonly pathColumn: number;
}

/** A table's data set and how the table was understood. */
export interface CsvDataset {
  /** The pictures, in the order of the rows. */
  readonly dataset: Dataset;
  /** How it was read. */
  readonly layout: CsvLayout;
}

/**
 * Tells header and order of columns from the first row: `path` and `label` by name, else the column that ends like a
 * picture file is the path.
 *
 * @throws {SyntaxError} If it is neither.
 */
export function csvLayout(firstRow: readonly string[]): CsvLayout {
  const [a = "", b = ""] = firstRow.map((field) => field.trim());
  if (PICTURE.test(a)) return { header: false, pathColumn: 0 };
  if (PICTURE.test(b)) return { header: false, pathColumn: 1 };
  const isPath = (name: string): boolean => /^(path|file|filename|image)$/i.test(name);
  const isLabel = (name: string): boolean => /^(label|class|target)$/i.test(name);
  if (isPath(a) && isLabel(b)) return { header: true, pathColumn: 0 };
  if (isLabel(a) && isPath(b)) return { header: true, pathColumn: 1 };
  throw new SyntaxError(
    `Cannot read table: its first row is "${a},${b}", must be "path,label" or a picture file and its label`,
  );
}

/** A row of a table. */
interface Entry {
  /** From 1. */
  readonly line: number;
  readonly file: string;
  readonly label: string;
}

/**
 * A data set from a table.
 *
 * @throws {SyntaxError} If a line has not two fields; names it.
 * @throws {RangeError} If a file is missing or a label is out of range; names file and line.
 */
export async function openCsv(options: CsvOptions): Promise<CsvDataset> {
  const { path } = options;
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
  const { entries, layout } = await readTable(path);
  const classes = options.classes ?? classesOf(path, entries, options.complete);
  const files: LabelledFile[] = [];
  for (const { line, file, label } of entries) {
    const number = /^\d+$/.test(label) && !classes.includes(label) ? Number(label) : classes.indexOf(label);
    if (!(number >= 0 && number < classes.length)) {
      throw new RangeError(
        `Cannot read "${path}": label of line ${line} is "${label}", must be a class name or an integer in ` +
          `0 to ${classes.length - 1}`,
      );
    }
    const filePath = file.startsWith("/") ? file : `${folder}/${file}`;
    if (await kindOf(filePath) !== "file") {
      throw new RangeError(
        `Cannot read "${path}": file of line ${line} is "${filePath}", which does not exist`,
      );
    }
    files.push({ path: filePath, name: file, label: number, where: `${filePath} (line ${line} of ${path})` });
  }
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.csv$/i, "");
  return { dataset: await fileDataset({ name, classes, files }), layout };
}

/**
 * The class names of a table to train on, in label order.
 *
 * @throws {SyntaxError} If a line has not two fields; names it.
 * @throws {RangeError} If there are no rows or a label cannot be one.
 */
export async function csvClasses(path: string): Promise<readonly string[]> {
  return classesOf(path, (await readTable(path)).entries, true);
}

async function readTable(path: string): Promise<{ entries: readonly Entry[]; layout: CsvLayout }> {
  const text = (await Deno.readTextFile(path)).replace(/^\ufeff/, "");
  const rows: { line: number; fields: string[] }[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content.trim() === "") continue;
    let fields: string[] | undefined;
    try {
      fields = (parse(content) as string[][])[0];
    } catch {
      fields = undefined; // a stray quote: reported like a missing field
    }
    if (fields?.length !== 2) {
      throw new SyntaxError(`Cannot read "${path}": line ${index + 1} is "${content}", must have two fields`);
    }
    rows.push({ line: index + 1, fields });
  }
  const [first] = rows;
  if (first === undefined) {
    throw new RangeError(`Cannot read "${path}": it is empty, must have a row per picture`);
  }
  const layout = csvLayout(first.fields);
  if (layout.header) rows.shift();
  if (rows.length === 0) throw new RangeError(`Cannot read "${path}": it has a header and no rows`);
  const entries = rows.map(({ line, fields }) => ({
    line,
    file: fields[layout.pathColumn]!.trim(),
    label: fields[1 - layout.pathColumn]!.trim(),
  }));
  return { entries, layout };
}

/** Numbers stand for themselves, and classes reach to the largest; names are sorted. */
function classesOf(path: string, entries: readonly Entry[], complete = false): readonly string[] {
  const labels = entries.map(({ label }) => label);
  if (!labels.every((label) => /^-?\d+$/.test(label))) return [...new Set(labels)].sort();
  const largest = entries.reduce((most, each) => Number(each.label) > Number(most.label) ? each : most);
  const count = 1 + Math.max(0, Number(largest.label));
  const occur = new Set(labels).size;
  if (count > (complete ? 2 : 1000) * occur) {
    throw new RangeError(
      `Cannot read "${path}": label of line ${largest.line} is "${largest.label}", of the classes up to it only ` +
        `${occur} occur, must be a number that counts classes from 0`,
    );
  }
  return Array.from({ length: count }, (_, index) => String(index));
}
