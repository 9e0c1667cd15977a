/**
 * The repository: a folder `<model>/<version>/` of bundles. A bundle that cannot be read is reported and left out; the others
 * serve.
 *
 * @module
 */
import { type Bundle, MANIFEST_FILE, readBundle } from "../../core/bundle/mod.ts";

/** Files of a repository, however they are kept. */
export interface Files {
  /** Names of the folders at a path; the root is "". */
  folders(path: string): Promise<readonly string[]>;
  /** Bytes of a file. */
  read(path: string): Promise<Uint8Array>;
}

/** A bundle that cannot be used. */
export interface Fault {
  /** Folder of the model. */
  readonly model: string;
  /** Folder of the version. */
  readonly version: number;
  /** What is wrong. */
  readonly reason: string;
}

/** What a repository holds. */
export interface Repository {
  /** Bundles that can be used. */
  readonly bundles: readonly Bundle[];
  /** Bundles that cannot. */
  readonly faults: readonly Fault[];
}

// What is being written has a name that starts with a dot or ends with ".tmp".
const MODEL = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const VERSION = /^[1-9]\d{0,6}$/;

/** Reads every bundle of a repository. */
export async function readRepository(files: Files): Promise<Repository> {
  const bundles: Bundle[] = [];
  const faults: Fault[] = [];
  for (const model of [...await files.folders("")].sort()) {
    if (!MODEL.test(model) || model.endsWith(".tmp")) continue;
    for (const folder of await files.folders(model)) {
      if (!VERSION.test(folder)) continue;
      const version = Number(folder);
      try {
        bundles.push(await readVersion(files, model, version));
      } catch (error) {
        faults.push({ model, version, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return { bundles, faults };
}

async function readVersion(files: Files, model: string, version: number): Promise<Bundle> {
  const bundle = await readBundle(async (file) => {
    try {
      return await files.read(`${model}/${version}/${file}`);
    } catch (error) {
      // The path and the system's words stay inside.
      throw new Error(`Cannot read bundle "${model}" ${version}: ${file} cannot be read`, {
        cause: error,
      });
    }
  });
  const { manifest } = bundle;
  if (manifest.id !== model || manifest.version !== version) {
    throw new SyntaxError(
      `Cannot read bundle "${model}" ${version}: its ${MANIFEST_FILE} says "${manifest.id}" ${manifest.version}`,
    );
  }
  return bundle;
}
