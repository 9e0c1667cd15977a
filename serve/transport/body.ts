/**
 * Bodies: read no further than the limit, then taken apart by their media type.
 *
 * @module
 */
import { checkImageType, IMAGE_TYPES, ProtocolError } from "../protocol/mod.ts";

/** Media type of a form. */
export const FORM_TYPE = "multipart/form-data";

/** Media type of a request in lower case, without parameters; empty when there is none. */
export function mediaTypeOf(request: Request): string {
  return (request.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

/**
 * Bytes of a body.
 *
 * @throws {ProtocolError} `body-too-large`, by the declared length or as soon as more has come.
 */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/**
 * A form.
 *
 * @throws {ProtocolError} `body-too-large`, `body-malformed`, `media-type-unsupported`.
 */
export async function readForm(request: Request, maxBytes: number): Promise<FormData> {
  checkImageType("body", mediaTypeOf(request), [FORM_TYPE]);
  const bytes = await readBytes(request, maxBytes);
  const type = request.headers.get("content-type")!;
  // Parsers forgive a form that breaks off and leave out its last part.
  if (!endsWithBoundary(bytes, type)) throw malformed();
  try {
    return await new Response(bytes, { headers: { "content-type": type } }).formData();
  } catch (cause) {
    throw malformed(cause);
  }
}

/** Whether a body ends with `--boundary--`, white space aside. */
function endsWithBoundary(bytes: Uint8Array, type: string): boolean {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  const tail = new TextDecoder("latin1").decode(bytes.subarray(-100));
  return boundary !== undefined && tail.trimEnd().endsWith(`--${boundary}--`);
}

function malformed(cause?: unknown): ProtocolError {
  const issue = "it is not a complete form with the boundary its header names";
  const error = new ProtocolError(
    "body-malformed",
    { part: "body", issue },
    `Cannot read the body: ${issue}`,
  );
  error.cause = cause;
  return error;
}

/**
 * An image sent as the body itself.
 *
 * @throws {ProtocolError} `body-too-large`, `part-missing`, `media-type-unsupported`.
 */
export async function readImage(request: Request, maxBytes: number): Promise<Uint8Array> {
  checkImageType("body", mediaTypeOf(request), [...IMAGE_TYPES, FORM_TYPE]);
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0) {
    throw new ProtocolError(
      "part-missing",
      { part: "body" },
      "Cannot read the body: it is empty, must be an image",
    );
  }
  return bytes;
}

function tooLarge(maxBytes: number): ProtocolError {
  return new ProtocolError(
    "body-too-large",
    { maxBytes },
    `Cannot read the body: it is longer than ${maxBytes} bytes`,
  );
}
