/**
 * Multipart bodies: names of their parts, and their reading.
 *
 * @module
 */
import { ProtocolError } from "./errors.ts";

/** Image formats the protocol carries. */
export const IMAGE_TYPES: readonly string[] = ["image/jpeg", "image/png", "image/webp"];

/** Part of a glance form: options as JSON. */
export const REQUEST_PART = "request";
/** Part of a glance form: the image. */
export const GLANCE_PART = "glance";
/** Part of a focus form: the sealed state. */
export const STATE_PART = "state";
const PATCH_PART = /^patch-(0|[1-9]\d{0,8})$/;

/** Name of the part that holds a patch. */
export function patchPart(id: number): string {
  return `patch-${id}`;
}

/** A glance form, taken apart. */
export interface GlanceForm {
  /** Options, not yet checked. */
  readonly request: unknown;
  /** The image. */
  readonly glance: Blob;
}

/** A focus form, taken apart. */
export interface FocusForm {
  /** The sealed state. */
  readonly state: string;
  /** Images by id of the patch, in the order they came. */
  readonly patches: ReadonlyMap<number, Blob>;
}

/** Form of a glance. */
export function writeGlanceForm(request: unknown, glance: Blob): FormData {
  const form = new FormData();
  form.set(REQUEST_PART, JSON.stringify(request));
  form.set(GLANCE_PART, glance, GLANCE_PART);
  return form;
}

/** Form of a focus. */
export function writeFocusForm(state: string, patches: ReadonlyMap<number, Blob>): FormData {
  const form = new FormData();
  form.set(STATE_PART, state);
  for (const [id, image] of patches) form.set(patchPart(id), image, patchPart(id));
  return form;
}

/**
 * Takes a glance form apart.
 *
 * @throws {ProtocolError} `part-unknown`, `part-missing`, `body-malformed`, `media-type-unsupported`.
 */
export async function readGlanceForm(form: FormData): Promise<GlanceForm> {
  const accepted = [REQUEST_PART, GLANCE_PART];
  for (const [name] of form) if (!accepted.includes(name)) throw unknownPart(name, accepted);
  const request = await textOf(form, REQUEST_PART, "{}");
  try {
    return { request: JSON.parse(request), glance: imageOf(single(form, GLANCE_PART), GLANCE_PART) };
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed(REQUEST_PART, "it is not JSON");
    throw error;
  }
}

/**
 * Takes a focus form apart.
 *
 * @throws {ProtocolError} `part-unknown`, `part-missing`, `body-malformed`, `media-type-unsupported`.
 */
export async function readFocusForm(form: FormData): Promise<FocusForm> {
  const patches = new Map<number, Blob>();
  for (const [name, value] of form) {
    if (name === STATE_PART) continue;
    const id = PATCH_PART.exec(name)?.[1];
    if (id === undefined) throw unknownPart(name, [STATE_PART, "patch-<id>"]);
    if (patches.has(Number(id))) throw malformed(name, "it comes twice");
    patches.set(Number(id), imageOf(value, name));
  }
  return { state: (await textOf(form, STATE_PART)).trim(), patches };
}

/**
 * Refuses a media type that is not an image format of the protocol.
 *
 * @throws {ProtocolError} `media-type-unsupported`.
 */
export function checkImageType(part: string, found: string, accepted: readonly string[] = IMAGE_TYPES): void {
  if (accepted.includes(found)) return;
  throw new ProtocolError(
    "media-type-unsupported",
    { part, found: found.slice(0, 128), accepted },
    `Cannot read ${part}: its media type is "${found.slice(0, 128)}", must be ${accepted.join(", ")}`,
  );
}

function single(form: FormData, name: string): FormDataEntryValue | undefined {
  const values = form.getAll(name);
  if (values.length > 1) throw malformed(name, "it comes twice");
  return values[0];
}

/** The text of a part, whether it was sent as a field or as a file. */
async function textOf(form: FormData, name: string, otherwise?: string): Promise<string> {
  const value = single(form, name) ?? otherwise;
  if (value === undefined) throw missing(name);
  return typeof value === "string" ? value : await value.text();
}

function imageOf(value: FormDataEntryValue | undefined, name: string): Blob {
  if (value === undefined) throw missing(name);
  if (typeof value === "string") checkImageType(name, "text/plain");
  const image = value as Blob;
  // Forms made by hand often leave the type out; what the bytes say decides in the end.
  if (image.type !== "" && image.type !== "application/octet-stream") checkImageType(name, image.type);
  return image;
}

function missing(part: string): ProtocolError {
  return new ProtocolError("part-missing", { part }, `Cannot read the form: part "${part}" is missing`);
}

function malformed(part: string, issue: string): ProtocolError {
  return new ProtocolError("body-malformed", { part, issue }, `Cannot read part "${part}": ${issue}`);
}

function unknownPart(name: string, accepted: readonly string[]): ProtocolError {
  const part = name.slice(0, 64);
  return new ProtocolError(
    "part-unknown",
    { part, accepted },
    `Cannot read the form: part "${part}" is not known, must be ${accepted.join(" or ")}`,
  );
}
