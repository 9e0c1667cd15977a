/**
 * CIFAR-10 and CIFAR-100 in their official binary layout, from a folder or a tar archive.
 *
 * One record is a label byte (CIFAR-100: coarse, then fine), then 1024 red, 1024 green and 1024 blue bytes, row-major.
 * Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html
 *
 * @module
 */
import { type Dataset, packedRaster, sha256 } from "./dataset.ts";
import { readMembers } from "./_members.ts";

const SIDE = 32;
const PLANE = SIDE * SIDE;

const CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

interface Layout {
  readonly name: "cifar10" | "cifar100";
  readonly files: { readonly train: readonly string[]; readonly test: readonly string[] };
  readonly labelBytes: number;
}

const LAYOUTS: readonly Layout[] = [
  {
    name: "cifar10",
    files: { train: [1, 2, 3, 4, 5].map((part) => `data_batch_${part}.bin`), test: ["test_batch.bin"] },
    labelBytes: 1,
  },
  { name: "cifar100", files: { train: ["train.bin"], test: ["test.bin"] }, labelBytes: 2 },
];

/** Which part of which label set to read. */
export interface CifarOptions {
  /** Folder that holds the `.bin` files, or a `.tar`, `.tar.gz` or `.tgz` with them inside. */
  readonly path: string;
  /** Official part. */
  readonly split: "train" | "test";
  /** CIFAR-100 only: 100 fine or 20 coarse classes. @default "fine" */
  readonly labels?: "fine" | "coarse";
}

/** Whether file names look like CIFAR in binary layout, and which. */
export function recogniseCifar(names: Iterable<string>): "cifar10" | "cifar100" | undefined {
  const present = new Set(names);
  return LAYOUTS.find(({ files }) => present.has(files.test[0]!) || present.has(files.train[0]!))?.name;
}

/**
 * Reads one official part into memory (CIFAR-10 train: 150 MB), as `uint8[N, 32, 32, 3]`.
 *
 * @throws {RangeError} If files are missing or truncated, or a label is out of range; names file and record.
 */
export async function openCifar(options: CifarOptions): Promise<Dataset> {
  const { path, split } = options;
  const all = new Set(LAYOUTS.flatMap(({ files }) => [...files.train, ...files.test]));
  // A part holds only its own files in memory; the other part's names are enough to tell the layout.
  const mine = new Set(LAYOUTS.flatMap(({ files }) => files[split]));
  const members = await readMembers(path, (name) => mine.has(name) || name.endsWith(".txt"));
  const kind = recogniseCifar(members.keys());
  const layout = LAYOUTS.find(({ name }) => name === kind);
  if (layout === undefined) {
    throw new RangeError(
      `Cannot read CIFAR from "${path}": none of its files is part of "${split}", there must be ` +
        [...all].filter((name) => mine.has(name)).join(", "),
    );
  }
  const coarse = layout.name === "cifar100" && options.labels === "coarse";
  const classes = classNames(layout, coarse, members);
  const recordBytes = layout.labelBytes + 3 * PLANE;

  const parts = layout.files[split].map((name) => {
    const bytes = members.get(name);
    if (bytes === undefined) {
      throw new RangeError(`Cannot read CIFAR from "${path}": "${name}" is missing, "${split}" must have it`);
    }
    if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
      throw new RangeError(
        `Cannot read "${path}/${name}": it ends inside record ${Math.floor(bytes.length / recordBytes)} ` +
          `(${bytes.length} bytes), its size must be a multiple of ${recordBytes}`,
      );
    }
    return { name, bytes, count: bytes.length / recordBytes };
  });

  const length = parts.reduce((total, part) => total + part.count, 0);
  const data = new Uint8Array(length * PLANE * 3);
  const labels = new Int32Array(length);
  const hashes: string[] = [];
  let row = 0;
  for (const { name, bytes, count } of parts) {
    for (let record = 0; record < count; record++, row++) {
      const start = record * recordBytes;
      const label = bytes[start + (coarse ? 0 : layout.labelBytes - 1)]!;
      if (label >= classes.length) {
        throw new RangeError(
          `Cannot read "${path}/${name}": label of record ${record} is ${label}, must be below ${classes.length}`,
        );
      }
      labels[row] = label;
      interleave(bytes, start + layout.labelBytes, data, row * PLANE * 3);
    }
    hashes.push(await sha256(bytes));
  }

  const rows = Int32Array.from({ length }, (_, index) => index);
  const packed = { width: SIDE, height: SIDE, data, rows };
  return {
    name: `${layout.name}${coarse ? "-coarse" : ""}/${split}`,
    classes,
    length,
    hash: await sha256(`${layout.name}:${coarse ? "coarse" : "fine"}:${hashes.join()}`),
    labels,
    packed,
    source: (index) => ({ kind: "raster", raster: packedRaster(packed, index) }),
    where: (index) => {
      let record = index;
      for (const { name, count } of parts) {
        if (record < count) return `${path}/${name}, record ${record}`;
        record -= count;
      }
      throw new RangeError(`Cannot read picture ${index}: there are ${length}`);
    },
  };
}

/** `uint8[3, H, W]` at `from` of `planes` to `uint8[H, W, 3]` at `to` of `out`. */
function interleave(planes: Uint8Array, from: number, out: Uint8Array, to: number): void {
  for (let pixel = 0, at = to; pixel < PLANE; pixel++, at += 3) {
    out[at] = planes[from + pixel]!;
    out[at + 1] = planes[from + PLANE + pixel]!;
    out[at + 2] = planes[from + 2 * PLANE + pixel]!;
  }
}

/** Names from the official text files, or the known ones (CIFAR-10) or numbers (CIFAR-100) without them. */
function classNames(
  layout: Layout,
  coarse: boolean,
  members: ReadonlyMap<string, Uint8Array>,
): readonly string[] {
  if (layout.name === "cifar10") return CIFAR10;
  const count = coarse ? 20 : 100;
  const file = members.get(coarse ? "coarse_label_names.txt" : "fine_label_names.txt");
  const names = file === undefined
    ? []
    : new TextDecoder().decode(file).split("\n").map((line) => line.trim());
  const known = names.filter((name) => name !== "");
  return known.length === count ? known : Array.from({ length: count }, (_, index) => `class ${index}`);
}
