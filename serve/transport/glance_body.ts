/**
 * The two forms of a glance: a plain image with options in the query, or a form.
 *
 * @module
 */
import {
  type GlanceRequest,
  ProtocolError,
  readGlanceForm,
  readGlanceQuery,
  readGlanceRequest,
} from "../protocol/mod.ts";
import { FORM_TYPE, mediaTypeOf, readForm, readImage } from "./body.ts";

/** A glance, read and checked. */
export interface GlanceBody {
  /** Options. */
  readonly request: GlanceRequest;
  /** The encoded image. */
  readonly image: Uint8Array;
}

/** Reads a glance. @throws {ProtocolError} */
export async function readGlance(
  request: Request,
  maxBytes: number,
): Promise<GlanceBody> {
  const query = new URL(request.url).searchParams;
  if (mediaTypeOf(request) !== FORM_TYPE) {
    const options = readGlanceQuery(query);
    return { request: options, image: await readImage(request, maxBytes) };
  }
  const [stray] = query.keys();
  if (stray !== undefined) {
    const issue = 'a form has its options in the part "request"';
    throw new ProtocolError(
      "option-invalid",
      { option: stray.slice(0, 64), issue },
      `Cannot take option "${stray.slice(0, 64)}" from the query: ${issue}`,
    );
  }
  const form = await readGlanceForm(await readForm(request, maxBytes));
  return {
    request: readGlanceRequest(form.request),
    image: new Uint8Array(await form.glance.arrayBuffer()),
  };
}
