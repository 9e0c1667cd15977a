/**
 * From trained networks to a bundle in a repository: ONNX, parity gate, golden arrays, manifest, card; then, in one rename, there.
 *
 * @module
 */
import {
  disagreement,
  encodeGolden,
  FORMAT_MAJOR,
  GOLDEN_TOLERANCE,
  type GoldenCase,
  type Manifest,
  MANIFEST_FILE,
  type NetworkEntry,
  parseManifest,
  readBundle,
  sha256,
} from "../core/bundle/mod.ts";
import { costOf, forInference, type Network, parameterCount, verify } from "../core/graph/mod.ts";
import { toOnnx } from "../core/onnx/mod.ts";
import type { Run } from "../core/policy/mod.ts";
import { type Named, pick, rows, type Tensor } from "../core/tensor.ts";
import { type CardFacts, renderCard } from "./card.ts";
import { DISK, type Files, isDiskFull } from "./files.ts";

/** A network as it goes into a bundle. */
export interface ExportedNetwork {
  /** ONNX. */
  readonly bytes: Uint8Array;
  /** What it is fed; -1 is the batch. */
  readonly inputs: NetworkEntry["inputs"];
  /** What it answers. */
  readonly outputs: NetworkEntry["outputs"];
  /** Multiply-accumulates of one batch element. */
  readonly macs: number;
  /** Number of parameters, batch norms folded. */
  readonly parameters: number;
}

/** Exports a trained network: batch norms folded, dead nodes dropped, ONNX written. */
export function exportNetwork(
  network: Network,
  metadata: Readonly<Record<string, string>> = {},
): ExportedNetwork {
  const lean = forInference(network);
  const { graph } = lean;
  const shapes = verify(graph);
  return {
    bytes: toOnnx(lean, { metadata }),
    inputs: graph.inputs.map(({ id, shape }) => ({ name: id, shape: [...shape] })),
    outputs: graph.outputs.map(({ name, id }) => ({ name, shape: [...shapes.get(id)!] })),
    macs: costOf(graph).macs,
    parameters: parameterCount(graph),
  };
}

/** What {@link parityGate} compares. */
export interface ParityOptions {
  /** Where the networks were trained. */
  readonly reference: Run;
  /** Where they will run. */
  readonly candidate: Run;
  /** Real inputs of every network, some dozens of rows. */
  readonly inputs: ReadonlyMap<string, Named<Tensor>>;
  /** Largest difference allowed, as a share of the range of an output. @default GOLDEN_TOLERANCE */
  readonly tolerance?: number;
  /** Rows that become golden arrays. @default 4 */
  readonly golden?: number;
}

/** What passed the gate. */
export interface Parity {
  /** The largest disagreement of every network. */
  readonly errors: ReadonlyMap<string, number>;
  /** The first rows, as the reference answers them. */
  readonly golden: readonly GoldenCase[];
}

/**
 * The gate between training and a bundle: the same inputs through both must give the same outputs.
 *
 * @throws {RangeError} If an output disagrees: which, and by how much.
 */
export async function parityGate(options: ParityOptions): Promise<Parity> {
  const { reference, candidate, inputs, tolerance = GOLDEN_TOLERANCE, golden = 4 } = options;
  const errors = new Map<string, number>();
  const cases: GoldenCase[] = [];
  for (const [network, batch] of inputs) {
    const [expected, found] = await Promise.all([reference(network, batch), candidate(network, batch)]);
    for (const [name, x] of Object.entries(expected)) {
      const error = disagreement(x, pick(found, name));
      if (!(error <= tolerance)) {
        throw new RangeError(
          `Cannot export "${network}": its ${name} differs by ${
            error.toExponential(1)
          } of the range between ` +
            `training and ONNX Runtime, must be within ${tolerance}`,
        );
      }
      errors.set(network, Math.max(error, errors.get(network) ?? 0));
    }
    const few = (named: Named<Tensor>): Named<Tensor> =>
      Object.fromEntries(
        Object.entries(named).map(([name, x]) => {
          const part = rows(x, 0, Math.min(golden, x.shape[0]!));
          return [name, { ...part, data: part.data.slice() }];
        }),
      );
    cases.push({ network, inputs: few(batch), outputs: few(expected) });
  }
  return { errors, golden: cases };
}

/** A manifest before its files exist; without a version it gets the next free one. */
export type ManifestDraft =
  & Omit<Manifest, "format" | "formatVersion" | "version" | "networks" | "golden">
  & { readonly version?: number };

/** What a manifest says of its files. */
export async function completeManifest(
  draft: ManifestDraft & { readonly version: number },
  { networks, golden }: Pick<PublishOptions, "networks"> & { readonly golden: Uint8Array },
): Promise<Manifest> {
  const entries: Record<string, NetworkEntry> = {};
  for (const [name, { bytes, ...facts }] of networks) {
    entries[name] = { file: `${name}.onnx`, sha256: await sha256(bytes), bytes: bytes.length, ...facts };
  }
  return parseManifest({
    format: "saccade-bundle",
    formatVersion: `${FORMAT_MAJOR}.0`,
    ...draft,
    networks: entries,
    golden: { file: GOLDEN_FILE, sha256: await sha256(golden) },
  });
}

/** What a bundle is made of. */
export interface PublishOptions {
  /** Folder of the repository; made when absent. */
  readonly root: string;
  /** The manifest without what follows from the files. */
  readonly manifest: ManifestDraft;
  /** Networks by name. */
  readonly networks: ReadonlyMap<string, ExportedNetwork>;
  /** Golden arrays, see {@link parityGate}. */
  readonly golden: readonly GoldenCase[];
  /** What the card says beyond the manifest. */
  readonly card?: CardFacts;
  /** File system to write to. @default DISK */
  readonly files?: Files;
}

/** Where a bundle is. */
export interface Published {
  /** `<root>/<id>/<version>`. */
  readonly folder: string;
  /** Its manifest. */
  readonly manifest: Manifest;
  /** Bytes of all its files. */
  readonly bytes: number;
}

const GOLDEN_FILE = "golden.safetensors";

/** The next free version of a model in a repository; the first is 1. */
export async function nextVersion(root: string, id: string): Promise<number> {
  let highest = 0;
  try {
    for await (const { name } of Deno.readDir(`${root}/${id}`)) {
      if (/^[1-9]\d{0,6}$/.test(name)) highest = Math.max(highest, Number(name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return highest + 1;
}

/**
 * Writes a bundle into a repository: aside under a name that no reader takes for a version, fsynced, read back whole, renamed.
 * A version that is there is never touched.
 *
 * @throws {Deno.errors.AlreadyExists} If the version exists.
 * @throws {SyntaxError} If the manifest is not valid.
 */
export async function publishBundle(options: PublishOptions): Promise<Published> {
  const { root, networks, files = DISK } = options;
  const { id } = options.manifest;
  const version = options.manifest.version ?? await nextVersion(root, id);
  const golden = encodeGolden(options.golden);
  const manifest = await completeManifest({ ...options.manifest, version }, { networks, golden });
  const folder = `${root}/${id}/${version}`;
  const aside = `${root}/${id}/.tmp-${version}-${Deno.pid}`;
  await refuseExisting(folder, manifest);
  const text = new TextEncoder();
  const contents = new Map<string, Uint8Array>([
    ...[...networks].map(([name, { bytes }]) => [`${name}.onnx`, bytes] as const),
    [GOLDEN_FILE, golden],
    ["CARD.md", text.encode(renderCard(manifest, options.card))],
    [MANIFEST_FILE, text.encode(JSON.stringify(manifest, null, 2) + "\n")],
  ]);
  await Deno.mkdir(aside, { recursive: true });
  try {
    for (const [name, bytes] of contents) await files.write(`${aside}/${name}`, bytes);
    await files.syncFolder(aside);
    await readBundle((file) => Deno.readFile(`${aside}/${file}`));
    await refuseExisting(folder, manifest);
    await files.rename(aside, folder);
  } catch (error) {
    await Deno.remove(aside, { recursive: true }).catch(() => {}); // the first error is the one to report
    if (!isDiskFull(error)) throw error;
    throw new Error(`Cannot publish "${id}" ${version}: the disk is full`, { cause: error });
  }
  await files.syncFolder(`${root}/${id}`);
  return { folder, manifest, bytes: [...contents.values()].reduce((sum, { length }) => sum + length, 0) };
}

async function refuseExisting(folder: string, { id, version }: Manifest): Promise<void> {
  try {
    await Deno.lstat(folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Deno.errors.AlreadyExists(
    `Cannot publish "${id}" ${version}: "${folder}" exists, a version is never changed`,
  );
}
