/**
 * Pictures at the door: their headers are judged before a byte of them is decoded.
 *
 * @module
 */
import type { Size } from "../../core/geometry/mod.ts";
import { ImageError, type ImageHeader, type Raster, sniff } from "../../core/image/mod.ts";
import { IMAGE_TYPES, ProtocolError } from "../protocol/mod.ts";
import type { Compute } from "./compute.ts";
import type { Limits } from "./limits.ts";

/** An encoded picture and what its header says. */
export interface Admitted {
  /** Where it came from: "glance" or the part of a patch. */
  readonly part: string;
  /** The file. */
  readonly bytes: Uint8Array;
  /** Size in pixels by its header. */
  readonly size: Size;
}

/**
 * Judges a picture by its first bytes.
 *
 * @throws {ProtocolError} `media-type-unsupported`, `image-unreadable`, `image-too-large`.
 */
export function admit(
  part: string,
  bytes: Uint8Array,
  { maxSidePx, maxPixels }: Pick<Limits, "maxSidePx" | "maxPixels">,
): Admitted {
  const { width, height } = header(part, bytes);
  if (width > maxSidePx || height > maxSidePx || width * height > maxPixels) {
    throw new ProtocolError(
      "image-too-large",
      { part, width, height, maxSidePx, maxPixels },
      `Cannot take ${part}: it is ${width} x ${height}, must have sides of at most ${maxSidePx} and at most ` +
        `${maxPixels} pixels; a glance needs no more than the size on the model's card`,
    );
  }
  return { part, bytes, size: { width, height } };
}

/**
 * Decodes an admitted picture.
 *
 * @throws {ProtocolError} `image-unreadable`.
 */
export async function decoded(compute: Compute, { part, bytes }: Admitted): Promise<Raster> {
  try {
    return await compute.decode(bytes);
  } catch (error) {
    throw refusal(part, error);
  }
}

/** The header alone; its own limits come after, with facts. */
function header(part: string, bytes: Uint8Array): ImageHeader {
  try {
    return sniff(bytes, { maxBytes: Infinity, maxPixels: Infinity, maxSide: Infinity });
  } catch (error) {
    throw refusal(part, error);
  }
}

/** What a codec refuses is the caller's to mend; anything else is a bug and stays one. */
function refusal(part: string, error: unknown): unknown {
  if (!(error instanceof ImageError)) return error;
  const issue = error.message.replace("Cannot read image: ", "");
  const detail = `Cannot decode ${part}: ${issue}`;
  return error.code === "unsupported"
    ? new ProtocolError("media-type-unsupported", { part, found: "unknown", accepted: IMAGE_TYPES }, detail)
    : new ProtocolError("image-unreadable", { part, issue }, detail);
}
