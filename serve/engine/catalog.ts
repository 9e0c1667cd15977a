/**
 * The catalogue: which model and version a request means, and what is known of it.
 *
 * @module
 */
import type { Bundle } from "../../core/bundle/mod.ts";
import { cellCount, patchSide } from "../../core/geometry/mod.ts";
import { type ModelCard, type ModelList, ProtocolError } from "../protocol/mod.ts";
import type { Fault } from "./repository.ts";

/** Bundles by model and version. */
export class Catalog {
  readonly #models = new Map<string, Map<number, Bundle>>();
  readonly #faults: Fault[] = [];
  readonly #retryAfterSeconds: number;

  /** An empty catalogue. `retryAfterSeconds` is told to who asks for a bundle that cannot be used. */
  constructor({ retryAfterSeconds }: { readonly retryAfterSeconds: number }) {
    this.#retryAfterSeconds = retryAfterSeconds;
  }

  /** Adds a bundle that is ready to run. */
  add(bundle: Bundle): void {
    const { id, version } = bundle.manifest;
    const versions = this.#models.get(id) ?? new Map<number, Bundle>();
    this.#models.set(id, new Map([...versions, [version, bundle] as const].sort(([a], [b]) => a - b)));
  }

  /** Adds a bundle that cannot be used. */
  addFault(fault: Fault): void {
    this.#faults.push(fault);
  }

  /** Bundles that cannot be used. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }

  /** Models that can be used. */
  list(): ModelList {
    return {
      models: [...this.#models].sort(([a], [b]) => a < b ? -1 : 1).map(([model, bundles]) => {
        const versions = [...bundles.keys()];
        const version = versions.at(-1)!;
        return { model, version, versions, title: bundles.get(version)!.manifest.title };
      }),
    };
  }

  /**
   * The bundle of a model; without a version the highest.
   *
   * @throws {ProtocolError} `model-unknown`, `version-unknown`, `bundle-corrupt`.
   */
  find(model: string, version?: string): Bundle {
    const bundles = this.#models.get(model);
    const faulty = this.#faults.filter((fault) => fault.model === model);
    const bundle = version === undefined
      ? bundles && [...bundles.values()].at(-1)
      : bundles?.get(/^[1-9]\d{0,6}$/.test(version) ? Number(version) : -1);
    if (bundle !== undefined) return bundle;
    const wanted = version === undefined
      ? faulty[0]
      : faulty.find((fault) => String(fault.version) === version);
    if (wanted !== undefined) throw this.#corrupt(wanted);
    const name = model.slice(0, 64);
    if (bundles === undefined && faulty.length === 0) {
      throw new ProtocolError(
        "model-unknown",
        { model: name },
        `Cannot use model "${name}": there is no such model; GET /v1/models lists them`,
      );
    }
    const versions = [...bundles?.keys() ?? []];
    const text = String(version).slice(0, 16);
    throw new ProtocolError(
      "version-unknown",
      { model: name, version: text, versions },
      `Cannot use version "${text}" of "${name}": there is ${versions.join(", ") || "none that can be used"}`,
    );
  }

  /** The card of a model. Errors as {@link Catalog.find}. */
  card(model: string, version?: string): ModelCard {
    const { manifest, weightHash } = this.find(model, version);
    const { grid } = manifest.method;
    const side = patchSide(grid);
    return {
      model: manifest.id,
      version: manifest.version,
      versions: [...this.#models.get(manifest.id)!.keys()],
      weightHash,
      title: manifest.title,
      method: manifest.method.name,
      classes: manifest.classes,
      frame: manifest.frame,
      glance: manifest.glance,
      fit: manifest.fit,
      patch: { width: side, height: side },
      patchesTotal: cellCount(grid),
      transfer: manifest.transfer as ModelCard["transfer"],
      operatingPoints: manifest.operatingPoints,
      license: manifest.license,
    };
  }

  #corrupt({ model, version }: Fault): ProtocolError {
    return new ProtocolError(
      "bundle-corrupt",
      { model, retryAfterSeconds: this.#retryAfterSeconds },
      `Cannot use version ${version} of "${model}": its bundle is incomplete or damaged; ` +
        "the operator finds the reason at /readyz",
    );
  }
}
