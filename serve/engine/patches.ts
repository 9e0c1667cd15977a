/**
 * Patches as they come back: only what was planned, of the planned size, put where the model expects it.
 *
 * @module
 */
import { cutOf, type View } from "../../core/geometry/mod.ts";
import { type Observation, patchOf, placeCut, type Plan } from "../../core/policy/mod.ts";
import { raster } from "../../core/image/mod.ts";
import { patchPart, ProtocolError, type Remembered } from "../protocol/mod.ts";
import type { Compute } from "./compute.ts";
import type { Limits } from "./limits.ts";
import { admit, type Admitted, decoded } from "./pictures.ts";

/** A patch that may be decoded. */
export interface AdmittedPatch extends Admitted {
  /** What was planned. */
  readonly patch: Remembered;
}

/**
 * Judges patches by the plan and by their first bytes.
 *
 * @throws {ProtocolError} `patch-unexpected`, `patch-size-mismatch`, and as {@link admit}.
 */
export function admitPatches(
  patches: ReadonlyMap<number, Uint8Array>,
  plan: readonly Remembered[],
  view: View,
  limits: Limits,
): AdmittedPatch[] {
  const shown = new Map(plan.filter((patch) => !isBlank(view, patch)).map((patch) => [patch.id, patch]));
  return [...patches].map(([id, bytes]) => {
    const patch = shown.get(id);
    if (patch === undefined) {
      const planned = [...shown.keys()];
      throw new ProtocolError(
        "patch-unexpected",
        { patch: id, planned },
        `Cannot take patch ${id}: it was not asked for; the last plan was ${planned.join(", ")}`,
      );
    }
    const admitted = admit(patchPart(id), bytes, limits);
    const { width, height } = admitted.size;
    const { size } = cutOf(view, patch.box, patch.size)!;
    if (width !== size.width || height !== size.height) {
      throw new ProtocolError(
        "patch-size-mismatch",
        { patch: id, width, height, expectedWidth: size.width, expectedHeight: size.height },
        `Cannot take patch ${id}: it is ${width} x ${height}, must be ${size.width} x ${size.height} as planned`,
      );
    }
    return { ...admitted, patch };
  });
}

/** Decodes admitted patches and puts each where the model expects it. @throws {ProtocolError} `image-unreadable`. */
export async function decodePatches(
  compute: Compute,
  patches: readonly AdmittedPatch[],
  view: View,
): Promise<Observation[]> {
  return await Promise.all(patches.map(async (admitted) => {
    const { id, box, size } = admitted.patch;
    return { id, pixels: placeCut(await decoded(compute, admitted), cutOf(view, box, size)!, size) };
  }));
}

/** The patches of a plan that show nothing of the picture: known without being fetched. */
export function blanks(plan: Plan | readonly Remembered[], view: View): Observation[] {
  return plan.filter((patch) => isBlank(view, patch)).map((patch) => ({
    id: patch.id,
    // Of a patch that shows nothing no pixel of the picture is read.
    pixels: patchOf(raster(1, 1), view, patch),
  }));
}

/** Whether a patch shows nothing of the picture. */
export function isBlank(view: View, { box, size }: Pick<Remembered, "box" | "size">): boolean {
  return cutOf(view, box, size) === undefined;
}
