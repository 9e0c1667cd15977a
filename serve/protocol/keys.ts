/**
 * Keys that seal states: the newest seals, all open. A key is known by an id that follows from its secret.
 *
 * @module
 */

/** Length of a secret. */
export const SECRET_BYTES = 32;
/** Length of a key id. */
export const KEY_ID_BYTES = 8;

/** A key and its id. */
export interface SealKey {
  /** First {@link KEY_ID_BYTES} bytes of SHA-256 over `"saccade state key"` and the secret. */
  readonly id: Uint8Array<ArrayBuffer>;
  /** AES-GCM, 256 bits, not extractable. */
  readonly key: CryptoKey;
}

/** Keys, newest first; at least one. */
export type KeyRing = readonly [newest: SealKey, ...older: SealKey[]];

/**
 * A ring of secrets, newest first.
 *
 * @throws {RangeError} If there is none or one has the wrong length.
 */
export async function keyRing(secrets: readonly Uint8Array[]): Promise<KeyRing> {
  const [newest, ...older] = await Promise.all(secrets.map(sealKey));
  if (newest === undefined) throw new RangeError("Cannot make key ring: there is no secret");
  return [newest, ...older];
}

/** A new random secret. */
export function newSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/**
 * Secrets written as base64url, separated by commas, newest first.
 *
 * @throws {SyntaxError} If one is not base64url of {@link SECRET_BYTES} bytes. The text is never repeated.
 */
export function parseSecrets(text: string): Uint8Array[] {
  return text.split(",").map((each, i) => {
    const bytes = fromBase64Url(each.trim());
    if (bytes?.length !== SECRET_BYTES) {
      throw new SyntaxError(`Cannot read key ${i + 1}: it must be base64url of ${SECRET_BYTES} bytes`);
    }
    return bytes;
  });
}

async function sealKey(secret: Uint8Array): Promise<SealKey> {
  if (secret.length !== SECRET_BYTES) {
    throw new RangeError(`Cannot use secret: it has ${secret.length} bytes, must have ${SECRET_BYTES}`);
  }
  const label = new TextEncoder().encode("saccade state key");
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...label, ...secret]));
  const raw = new Uint8Array(secret);
  return {
    id: new Uint8Array(digest, 0, KEY_ID_BYTES),
    key: await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]),
  };
}

/** Bytes as base64url without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Bytes of base64url without padding; `undefined` when the text is anything else. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (character) => character.charCodeAt(0),
  );
  // The last character may carry bits no byte uses: only one spelling is accepted.
  return toBase64Url(bytes) === text ? bytes : undefined;
}
