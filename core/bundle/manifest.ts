/**
 * The manifest of a bundle: everything a runtime, a server or a client must know of a trained model. Validated on read.
 *
 * @module
 */
import { z } from "zod";

/** Major version of the manifest format; another one is refused. */
export const FORMAT_MAJOR = 1;

const count = z.number().int().positive().max(1 << 20);
const share = z.number().min(0).max(1);
const name = z.string().regex(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  "lower-case letters, digits, dot, dash, underscore",
);
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a plain file name");
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const triple = z.tuple([z.number(), z.number(), z.number()]);
const size = z.strictObject({ width: count, height: count });
const port = z.strictObject({ name: z.string().min(1).max(64), shape: z.array(z.number().int()).max(8) });
const mediaType = z.enum(["image/jpeg", "image/png", "image/webp"]);

const network = z.strictObject({
  file: fileName,
  sha256,
  bytes: z.number().int().positive().max(1 << 30),
  inputs: z.array(port).min(1).max(16),
  outputs: z.array(port).min(1).max(16),
  macs: z.number().nonnegative(),
  parameters: z.number().int().nonnegative(),
});

/** What a grid method (PatchDrop) is made of. */
const patchdrop = z.strictObject({
  name: z.literal("patchdrop"),
  grid: z.strictObject({
    rows: count.max(64),
    columns: count.max(64),
    cell: count.max(4096),
    halo: z.number().int().min(0).max(1024),
  }),
  reading: z.enum(["canvas", "patches"]),
  fusion: z.enum(["none", "sum", "weighted"]),
  glanceNetwork: z.boolean(),
});

const operatingPoint = z.strictObject({
  name,
  /** Probability of a cell worth looking at, turn by turn, descending. */
  levels: z.array(share).min(1).max(16),
  confidence: share.optional(),
  /** Where it was measured. */
  split: z.string(),
  images: z.number().int().nonnegative(),
  accuracy: share,
  patches: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
  macs: z.number().nonnegative(),
});

const transfer = z.strictObject({ type: mediaType, quality: z.number().int().min(1).max(100).optional() });

const schema = z.strictObject({
  format: z.literal("saccade-bundle"),
  formatVersion: z.string().regex(/^\d+\.\d+$/),
  id: name,
  version: count,
  title: z.string().max(200),
  method: z.discriminatedUnion("name", [patchdrop]),
  networks: z.record(name, network),
  frame: size,
  glance: z.strictObject({ ...size.shape, resample: z.enum(["nearest", "area", "bilinear"]) }),
  fit: z.enum(["cover", "contain", "stretch"]),
  normalization: z.strictObject({ mean: triple, std: triple }),
  transfer: z.strictObject({ glance: transfer, patch: transfer }),
  classes: z.array(z.string().min(1).max(100)).min(2).max(10_000),
  temperature: z.number().positive(),
  /** The first is used unless another one is asked for. */
  operatingPoints: z.array(operatingPoint).min(1).max(64),
  /** Cells in the order of the best fixed set, chosen on validation data. */
  fixedOrder: z.array(z.number().int().nonnegative()).max(4096),
  golden: z.strictObject({ file: fileName, sha256 }),
  provenance: z.strictObject({
    options: z.record(z.string(), z.unknown()),
    seed: z.number().int(),
    data: z.string(),
    dataHash: z.string(),
    commit: z.string(),
    engine: z.string(),
    created: z.string(),
  }),
  license: z.string(),
  sources: z.array(z.strictObject({ what: z.string(), license: z.string(), origin: z.string() })).max(32),
});

/** A validated manifest. */
export type Manifest = z.infer<typeof schema>;
/** One network of a manifest. */
export type NetworkEntry = Manifest["networks"][string];
/** A measured setting of a model. */
export type OperatingPoint = Manifest["operatingPoints"][number];

/**
 * Validates a manifest: its form, and that its parts fit each other.
 *
 * @throws {SyntaxError} Naming the field, what is and what must be.
 */
export function parseManifest(value: unknown): Manifest {
  const fail = (what: string): never => {
    throw new SyntaxError(`Cannot read manifest: ${what}`);
  };
  const version = (value as { formatVersion?: unknown } | null)?.formatVersion;
  if (typeof version === "string" && Number(version.split(".")[0]) !== FORMAT_MAJOR) {
    fail(`its format version is ${version}, must be ${FORMAT_MAJOR}.x`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return fail(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }
  const manifest = parsed.data;
  const { method: { grid, reading, glanceNetwork }, frame, networks } = manifest;
  if (grid.columns * grid.cell !== frame.width || grid.rows * grid.cell !== frame.height) {
    fail(
      `the grid covers ${grid.columns * grid.cell} x ${grid.rows * grid.cell}, the frame is not that large`,
    );
  }
  if (grid.cell + 2 * grid.halo > Math.min(frame.width, frame.height)) {
    fail("a patch is larger than the frame");
  }
  if (reading === "canvas" && grid.halo !== 0) fail("patches on a canvas must not overlap: halo must be 0");
  const wanted = [
    "policy",
    reading === "canvas" ? "classifier" : "reader",
    ...(glanceNetwork ? ["glance"] : []),
  ];
  for (const key of wanted) if (networks[key] === undefined) fail(`network "${key}" is missing`);
  for (const { name, levels } of manifest.operatingPoints) {
    if (levels.some((level, i) => i > 0 && level > levels[i - 1]!)) fail(`levels of "${name}" must not rise`);
  }
  const cells = grid.rows * grid.columns;
  if (manifest.fixedOrder.some((cell) => cell >= cells)) {
    fail(`the fixed order names a cell beyond ${cells - 1}`);
  }
  return manifest;
}
