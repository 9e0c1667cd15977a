/**
 * Bundles of random weights, small enough to make in a test.
 *
 * @module
 */
import {
  type Bundle,
  encodeGolden,
  type GoldenCase,
  MANIFEST_FILE,
  readBundle,
  sha256,
} from "../../core/bundle/mod.ts";
import { costOf, GraphBuilder, initialize, type Network, parameterCount } from "../../core/graph/mod.ts";
import { toOnnx } from "../../core/onnx/mod.ts";
import { stream } from "../../core/random.ts";

/** What kind of bundle. */
export interface TinyOptions {
  /** Name of the model. @default "tiny" */
  readonly id?: string;
  /** @default 1 */
  readonly version?: number;
  /** @default 7 */
  readonly seed?: number;
  /** `canvas`: 32 px frame, 4 x 4 cells; `patches`: 48 px frame, 3 x 3 cells with a halo of 4 px. @default "canvas" */
  readonly reading?: "canvas" | "patches";
  /** @default true */
  readonly glanceNetwork?: boolean;
  /** @default [0.5] */
  readonly levels?: readonly number[];
  /** @default "cover" */
  readonly fit?: "cover" | "contain" | "stretch";
  /** @default [] */
  readonly golden?: readonly GoldenCase[];
  /** @default "image/png" */
  readonly transfer?: "image/png" | "image/jpeg" | "image/webp";
}

/** Classes of every tiny bundle. */
export const TINY_CLASSES: readonly string[] = ["apple", "boat", "cloud", "door", "eagle"];

/** A network of one convolution with a stride, a pooling and a dense layer. */
function classifier(name: string, input: string, side: number, units: number, seed: number): Network {
  const builder = new GraphBuilder(name);
  const image = builder.input(input, [side, side, 3]);
  const features = builder.unary(
    "relu",
    builder.conv("conv", image, { filters: 6, kernel: 3, stride: 2, pad: 1 }),
  );
  const [, height, width, channels] = builder.shape(features);
  const flat = builder.node("reshape", "flat", [features], { shape: [height! * width! * channels!] });
  builder.output("logits", builder.dense("fc", flat, { units }));
  const graph = builder.build();
  return { graph, weights: initialize(graph, (id) => stream(seed, `${name}/${id}`)) };
}

/** Files of a tiny bundle by name; equal options give equal bytes. */
export async function tinyFiles(options: TinyOptions = {}): Promise<Map<string, Uint8Array>> {
  const { id = "tiny", version = 1, seed = 7, reading = "canvas", glanceNetwork = true } = options;
  const grid = reading === "canvas"
    ? { rows: 4, columns: 4, cell: 8, halo: 0 }
    : { rows: 3, columns: 3, cell: 16, halo: 4 };
  const frame = grid.rows * grid.cell;
  const glance = frame / 4;
  const type = options.transfer ?? "image/png";
  const networks: Record<string, Network> = {
    policy: classifier("policy", "glance", glance, grid.rows * grid.columns, seed),
    ...(glanceNetwork ? { glance: classifier("glance", "glance", glance, TINY_CLASSES.length, seed) } : {}),
    ...(reading === "canvas"
      ? { classifier: classifier("classifier", "image", frame, TINY_CLASSES.length, seed) }
      : { reader: classifier("reader", "patch", grid.cell + 2 * grid.halo, TINY_CLASSES.length, seed) }),
  };
  const files = new Map<string, Uint8Array>();
  const entries: Record<string, unknown> = {};
  for (const [name, network] of Object.entries(networks)) {
    const bytes = toOnnx(network);
    files.set(`${name}.onnx`, bytes);
    const { graph } = network;
    entries[name] = {
      file: `${name}.onnx`,
      sha256: await sha256(bytes),
      bytes: bytes.length,
      inputs: graph.inputs.map(({ id, shape }) => ({ name: id, shape })),
      outputs: [{ name: "logits", shape: [-1, network.weights.get("fc.bias")!.data.length] }],
      macs: costOf(graph).macs,
      parameters: parameterCount(graph),
    };
  }
  const golden = encodeGolden(options.golden ?? []);
  files.set("golden.safetensors", golden);
  const transfer = { type, ...(type === "image/png" ? {} : { quality: 85 }) };
  const manifest = {
    format: "saccade-bundle",
    formatVersion: "1.0",
    id,
    version,
    title: `Random weights, ${reading}`,
    method: { name: "patchdrop", grid, reading, fusion: "sum", glanceNetwork },
    networks: entries,
    frame: { width: frame, height: frame },
    glance: { width: glance, height: glance, resample: "area" },
    fit: options.fit ?? "cover",
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    transfer: { glance: transfer, patch: transfer },
    classes: TINY_CLASSES,
    temperature: 1,
    operatingPoints: [
      { name: "usual", levels: options.levels ?? [0.5], ...MEASURED },
      { name: "patient", levels: [0.6, 0.4, 0], ...MEASURED },
    ],
    fixedOrder: [],
    golden: { file: "golden.safetensors", sha256: await sha256(golden) },
    provenance: { options: {}, seed, data: "none", dataHash: "", commit: "", engine: "none", created: "" },
    license: "MIT",
    sources: [],
  };
  files.set(MANIFEST_FILE, new TextEncoder().encode(JSON.stringify(manifest)));
  return files;
}

const MEASURED = { split: "none", images: 0, accuracy: 0, patches: 0, bytes: 0, macs: 0 };

/** A tiny bundle, read and checked. */
export async function tinyBundle(options: TinyOptions = {}): Promise<Bundle> {
  const files = await tinyFiles(options);
  return await readBundle((file) => Promise.resolve(files.get(file)!));
}

/** Files of a repository in memory: whole bundles, and files put beside them. */
export async function tinyRepository(
  bundles: readonly TinyOptions[],
  extra: Readonly<Record<string, Uint8Array>> = {},
): Promise<{ folders(path: string): Promise<string[]>; read(path: string): Promise<Uint8Array> }> {
  const all = new Map<string, Uint8Array>();
  for (const options of bundles) {
    for (const [file, bytes] of await tinyFiles(options)) {
      all.set(`${options.id ?? "tiny"}/${options.version ?? 1}/${file}`, bytes);
    }
  }
  for (const [path, bytes] of Object.entries(extra)) all.set(path, bytes);
  return {
    folders(path) {
      const prefix = path === "" ? "" : `${path}/`;
      const below = [...all.keys()].filter((key) => key.startsWith(prefix)).map((key) =>
        key.slice(prefix.length)
      );
      return Promise.resolve([
        ...new Set(below.filter((rest) => rest.includes("/")).map((rest) => rest.split("/")[0]!)),
      ]);
    },
    read(path) {
      const bytes = all.get(path);
      return bytes === undefined ? Promise.reject(new Error(`no file ${path}`)) : Promise.resolve(bytes);
    },
  };
}
