/**
 * The sealed state: what the server must remember between turns, carried by the client, who can neither read nor change it.
 *
 *     offset  bytes  meaning
 *     0       1      format, 1
 *     1       8      key id
 *     9       4      version of the model, uint32 little-endian
 *     13      12     initialisation vector of AES-GCM
 *     25      n      ciphertext
 *     25 + n  16     tag
 *
 * Authenticated with it: bytes 0 to 24, the model's name, a zero byte, the weight hash. The plaintext is the length of a JSON
 * text as uint32 little-endian, that text ({@link Memory}), and the method's own bytes.
 *
 * @module
 */
import type { Box, Size } from "../../core/geometry/mod.ts";
import type { Budget, SourceCost, Spent } from "../../core/policy/mod.ts";
import { ProtocolError } from "./errors.ts";
import { fromBase64Url, KEY_ID_BYTES, type KeyRing, toBase64Url } from "./keys.ts";
import * as schemas from "./_schemas.ts";

const FORMAT = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION_AT = 1 + KEY_ID_BYTES;
const IV_AT = VERSION_AT + 4;
const HEAD_BYTES = IV_AT + IV_BYTES;

/** What a state is bound to. */
export interface Binding {
  /** Name of the model. */
  readonly model: string;
  /** Its version. */
  readonly version: number;
  /** Hash over its networks. */
  readonly weightHash: string;
}

/** A patch of the last plan. */
export interface Remembered {
  /** Its id. */
  readonly id: number;
  /** In frame pixels. */
  readonly box: Box;
  /** Decoded size of the whole patch. */
  readonly size: Size;
}

/** What is remembered of a classification besides the method's own state. */
export interface Memory {
  /** When it was sealed, milliseconds since 1970. */
  readonly issued: number;
  /** From when on it is refused, milliseconds since 1970. */
  readonly expires: number;
  /** Number of the turn it belongs to. */
  readonly turn: number;
  /** Operating point. */
  readonly point: string;
  /** Classes named in a belief. */
  readonly top: number;
  /** Size of the picture in its own pixels. */
  readonly picture: Size;
  /** The budget as asked for. */
  readonly budget: Budget;
  /** What fetching costs. */
  readonly cost: SourceCost;
  /** What had been spent. */
  readonly spent: Spent;
  /** The last plan. */
  readonly plan: readonly Remembered[];
}

/** A state, opened. */
export interface Opened {
  /** What is remembered. */
  readonly memory: Memory;
  /** The method's own bytes, not yet decoded. */
  readonly method: Uint8Array;
}

/**
 * Seals a state with the newest key.
 *
 * @param iv 12 bytes, never used twice with one key. @default random bytes
 */
export async function sealState(
  ring: KeyRing,
  binding: Binding,
  { memory, method }: Opened,
  iv: Uint8Array = crypto.getRandomValues(new Uint8Array(IV_BYTES)),
): Promise<string> {
  const head = new Uint8Array(HEAD_BYTES);
  head[0] = FORMAT;
  head.set(ring[0].id, 1);
  new DataView(head.buffer).setUint32(VERSION_AT, binding.version, true);
  head.set(iv, IV_AT);
  const json = new TextEncoder().encode(JSON.stringify({
    ...memory,
    plan: memory.plan.map(({ id, box, size }) => [id, box.x, box.y, box.w, box.h, size.width, size.height]),
  }));
  const plain = new Uint8Array(4 + json.length + method.length);
  new DataView(plain.buffer).setUint32(0, json.length, true);
  plain.set(json, 4);
  plain.set(method, 4 + json.length);
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(algorithm(head, binding), ring[0].key, plain),
  );
  const out = new Uint8Array(HEAD_BYTES + sealed.length);
  out.set(head);
  out.set(sealed, HEAD_BYTES);
  return toBase64Url(out);
}

/**
 * The version a state says it belongs to; only {@link openState} tells whether that is true.
 *
 * @throws {ProtocolError} `state-invalid`.
 */
export function versionOfState(text: string): number {
  const bytes = unpack(text);
  return new DataView(bytes.buffer).getUint32(VERSION_AT, true);
}

/**
 * Opens a state.
 *
 * @param options `now`: milliseconds since 1970.
 * @throws {ProtocolError} `state-invalid`, `state-expired`.
 */
export async function openState(
  ring: KeyRing,
  binding: Binding,
  text: string,
  { now }: { readonly now: number },
): Promise<Opened> {
  const bytes = unpack(text);
  const head = bytes.subarray(0, HEAD_BYTES);
  const key = ring.find(({ id }) => id.every((byte, i) => head[1 + i] === byte));
  if (key === undefined) throw invalid("its key is not one of this server");
  let plain: Uint8Array<ArrayBuffer>;
  try {
    plain = new Uint8Array(
      await crypto.subtle.decrypt(algorithm(head, binding), key.key, bytes.subarray(HEAD_BYTES)),
    );
  } catch {
    throw invalid("its seal is broken, or it belongs to another model");
  }
  const opened = read(plain);
  const { issued, expires } = opened.memory;
  if (now >= expires) {
    const ageSeconds = Math.floor((now - issued) / 1000);
    const maxAgeSeconds = Math.floor((expires - issued) / 1000);
    throw new ProtocolError(
      "state-expired",
      { ageSeconds, maxAgeSeconds },
      `Cannot go on: the state is ${ageSeconds} s old, must be used within ${maxAgeSeconds} s; ` +
        "start again with a glance",
    );
  }
  return opened;
}

function unpack(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64Url(text);
  if (bytes === undefined) throw invalid("it is not base64url");
  if (bytes.length < HEAD_BYTES + 4 + TAG_BYTES) throw invalid("it is too short");
  if (bytes[0] !== FORMAT) throw invalid(`its format is ${bytes[0]}, must be ${FORMAT}`);
  return bytes;
}

/** Reads what this server sealed; still checked, since an older build may have written it. */
function read(plain: Uint8Array<ArrayBuffer>): Opened {
  const length = new DataView(plain.buffer).getUint32(0, true);
  if (length > plain.length - 4) throw invalid("it ends too early");
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(plain.subarray(4, 4 + length)));
  } catch {
    throw invalid("it is not JSON");
  }
  const parsed = schemas.memory.safeParse(json);
  if (!parsed.success) throw invalid("it was written by another version of the server");
  const plan = parsed.data.plan.map(([id, x, y, w, h, width, height]) => ({
    id,
    box: { x, y, w, h },
    size: { width, height },
  }));
  return { memory: { ...parsed.data, plan }, method: plain.subarray(4 + length) };
}

function algorithm(head: Uint8Array<ArrayBuffer>, { model, weightHash }: Binding): AesGcmParams {
  const names = new TextEncoder().encode(`${model}\0${weightHash}`);
  const additionalData = new Uint8Array(HEAD_BYTES + names.length);
  additionalData.set(head);
  additionalData.set(names, HEAD_BYTES);
  return { name: "AES-GCM", iv: head.slice(IV_AT, HEAD_BYTES), additionalData, tagLength: 8 * TAG_BYTES };
}

function invalid(issue: string): ProtocolError {
  return new ProtocolError(
    "state-invalid",
    { issue },
    `Cannot open the state: ${issue}; send it unchanged to the model that gave it, or start again with a glance`,
  );
}
