/**
 * Bundles: reading one whole, with every hash checked, and building the method it holds.
 *
 * @module
 */
import { type GridOptions, type GridState, type Method, patchDrop } from "../policy/mod.ts";
import { type Manifest, type OperatingPoint, parseManifest } from "./manifest.ts";

/** A bundle in memory: nothing of it is trusted until all of it has been checked. */
export interface Bundle {
  /** Its manifest. */
  readonly manifest: Manifest;
  /** ONNX bytes of every network by name. */
  readonly networks: ReadonlyMap<string, Uint8Array>;
  /** Safetensors bytes of the golden arrays. */
  readonly golden: Uint8Array;
  /** Hash over all networks; states are bound to it. */
  readonly weightHash: string;
}

/** Name of the manifest in a bundle folder. */
export const MANIFEST_FILE = "manifest.json";

/** SHA-256 in hexadecimal digits. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Hash over the hashes of all networks, in order of their names. */
export async function weightHashOf(manifest: Manifest): Promise<string> {
  const lines = Object.keys(manifest.networks).sort().map((key) =>
    `${key}:${manifest.networks[key]!.sha256}`
  );
  return await sha256(new TextEncoder().encode(lines.join("\n")));
}

/**
 * Reads a bundle.
 *
 * @param read Bytes of a file of the bundle by its name.
 * @throws {SyntaxError} If the manifest is malformed or a file is not the one the manifest names.
 */
export async function readBundle(read: (file: string) => Promise<Uint8Array>): Promise<Bundle> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await read(MANIFEST_FILE)));
  } catch (error) {
    if (error instanceof SyntaxError) throw new SyntaxError("Cannot read manifest: it is not JSON");
    throw error;
  }
  const manifest = parseManifest(json);
  const checked = async (file: string, wanted: string): Promise<Uint8Array> => {
    const bytes = await read(file);
    const found = await sha256(bytes);
    if (found !== wanted) {
      throw new SyntaxError(
        `Cannot read bundle "${manifest.id}": ${file} has sha256 ${found}, must have ${wanted}`,
      );
    }
    return bytes;
  };
  const networks = new Map<string, Uint8Array>();
  for (const [key, { file, sha256 }] of Object.entries(manifest.networks)) {
    networks.set(key, await checked(file, sha256));
  }
  const golden = await checked(manifest.golden.file, manifest.golden.sha256);
  return { manifest, networks, golden, weightHash: await weightHashOf(manifest) };
}

/**
 * The operating point of a name; without a name the first.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function operatingPoint({ id, operatingPoints }: Manifest, name?: string): OperatingPoint {
  const point = name === undefined ? operatingPoints[0] : operatingPoints.find((each) => each.name === name);
  if (point === undefined) {
    const names = operatingPoints.map((each) => `"${each.name}"`).join(", ");
    throw new RangeError(`Cannot use operating point "${name}" of "${id}": there is ${names}`);
  }
  return point;
}

/** What the grid episode of a bundle is made of, at an operating point. */
export function gridOptionsOf(
  { method, classes, normalization, temperature }: Manifest,
  { levels, confidence }: Pick<OperatingPoint, "levels" | "confidence">,
): GridOptions {
  const { grid, reading, fusion, glanceNetwork } = method;
  return {
    grid,
    reading,
    fusion,
    glanceNetwork,
    classes: classes.length,
    normalization,
    temperature,
    levels,
    ...(confidence === undefined ? {} : { confidence }),
  };
}

/** The method of a bundle at an operating point: the one construction evaluation, server and client share. */
export function methodOf(
  manifest: Manifest,
  point: OperatingPoint = operatingPoint(manifest),
): Method<GridState> {
  const options = gridOptionsOf(manifest, point);
  return patchDrop(options);
}
