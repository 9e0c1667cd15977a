/**
 * Finding what a request goes on with: the operating point, the bundle a state belongs to, the method's own state.
 *
 * @module
 */
import type { Bundle } from "../../core/bundle/mod.ts";
import type { Method } from "../../core/policy/mod.ts";
import { type Binding, isProtocolError, ProtocolError, versionOfState } from "../protocol/mod.ts";
import type { Catalog } from "./catalog.ts";

/** What states of a bundle are bound to. */
export function bindingOf({ manifest, weightHash }: Bundle): Binding {
  return { model: manifest.id, version: manifest.version, weightHash };
}

/** Name of the operating point a caller means. @throws {ProtocolError} `point-unknown`. */
export function pointOf({ manifest: { id, operatingPoints } }: Bundle, name?: string): string {
  const points = operatingPoints.map((point) => point.name);
  if (name === undefined) return points[0]!;
  if (points.includes(name)) return name;
  throw new ProtocolError(
    "point-unknown",
    { point: name, points },
    `Cannot use operating point "${name}" of "${id}": there is ${points.join(", ")}`,
  );
}

/**
 * The bundle a state says it belongs to.
 *
 * @throws {ProtocolError} `state-invalid`, `state-stale`, `model-unknown`, `bundle-corrupt`.
 */
export function bundleOfState(catalog: Catalog, model: string, state: string): Bundle {
  catalog.find(model);
  const version = versionOfState(state);
  try {
    return catalog.find(model, String(version));
  } catch (error) {
    if (!isProtocolError(error, "version-unknown")) throw error;
    throw new ProtocolError(
      "state-stale",
      { model, version },
      `Cannot go on: the state belongs to version ${version} of "${model}", which is gone; start again with a glance`,
    );
  }
}

/** The method's own state. @throws {ProtocolError} `state-invalid`. */
export function decodeState<State>(method: Method<State>, bytes: Uint8Array): State {
  try {
    return method.state.decode(bytes);
  } catch (error) {
    // It was sealed here, so an older build of the server wrote it.
    if (!(error instanceof SyntaxError)) throw error;
    throw new ProtocolError(
      "state-invalid",
      { issue: error.message },
      `${error.message}; start again with a glance`,
    );
  }
}
