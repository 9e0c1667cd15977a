/**
 * Safetensors, read and written: 8 bytes header length (little-endian), a JSON header, then the raw arrays.
 * Only `F32` is written; `F32`, `F16` and `BF16` are read (widened to float32).
 *
 * Format: https://huggingface.co/docs/safetensors
 *
 * @module
 */
import { sizeOf, type Tensor } from "../tensor.ts";

/** The arrays of one file, in file order, and its free-form metadata. */
export interface Safetensors {
  /** Arrays by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Headers above this are refused: the format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const MAX_RANK = 16;
const WIDTHS: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Bytes of a safetensors file; names are written in the order of the map, the data is aligned to 8 bytes. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.create(null);
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    if (name === "__metadata__") {
      throw new RangeError('Cannot write tensor: the name "__metadata__" is reserved');
    }
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(`Cannot write tensor "${name}": ${data.length} values do not fill [${shape}]`);
    }
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + 4 * data.length] };
    offset += 4 * data.length;
  }
  let json = JSON.stringify(header);
  while (new TextEncoder().encode(json).length % 8 !== 0) json += " ";
  const head = new TextEncoder().encode(json);
  const bytes = new Uint8Array(8 + head.length + offset);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file.
 *
 * @throws {SyntaxError} If the bytes are not a complete, consistent file: what is wrong and where.
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const fail = (what: string): never => {
    throw new SyntaxError(`Cannot read safetensors: ${what}`);
  };
  if (bytes.length < 8) fail(`file has ${bytes.length} bytes, must have at least 8`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > bytes.length) {
    fail(`header says ${headerBytes} bytes, file has ${bytes.length}`);
  }
  const start = 8 + headerBytes;
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch {
    return fail("header is not JSON");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    return fail("header is not an object");
  }
  const tensors = new Map<string, Tensor>();
  let metadata: Record<string, string> = {};
  const spans: [number, number][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (typeof entry !== "object" || entry === null) fail("metadata is not an object");
      metadata = Object.fromEntries(Object.entries(entry as object).map(([k, v]) => [k, String(v)]));
      continue;
    }
    const { dtype, shape, data_offsets: span } = (entry ?? {}) as Record<string, unknown>;
    const width = typeof dtype === "string" && Object.hasOwn(WIDTHS, dtype) ? WIDTHS[dtype]! : 0;
    if (width === 0) return fail(`tensor "${name}" has dtype ${dtype}, must be F32, F16 or BF16`);
    if (!isSizes(shape) || shape.length > MAX_RANK) return fail(`tensor "${name}" has a malformed shape`);
    if (!isSizes(span) || span.length !== 2) return fail(`tensor "${name}" has malformed offsets`);
    const [from, to] = span as [number, number];
    if (from > to || start + to > bytes.length || to - from !== width * sizeOf(shape)) {
      return fail(
        `tensor "${name}" spans bytes ${from} to ${to}, which does not fit [${shape}] in this file`,
      );
    }
    spans.push([from, to]);
    tensors.set(name, { shape, data: widen(dtype as string, bytes.slice(start + from, start + to)) });
  }
  let covered = 0;
  for (const [from, to] of spans.sort(([a, b], [c, d]) => a - c || b - d)) {
    if (from !== covered) fail(`tensors overlap or leave a gap at byte ${Math.min(from, covered)}`);
    covered = to;
  }
  if (covered !== bytes.length - start) {
    fail(`tensors cover ${covered} bytes, file holds ${bytes.length - start}`);
  }
  return { tensors, metadata };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
}

function widen(dtype: string, raw: Uint8Array<ArrayBuffer>): Float32Array {
  if (dtype === "F32") return new Float32Array(raw.buffer);
  const halves = new Uint16Array(raw.buffer);
  if (dtype === "BF16") {
    const words = Uint32Array.from(halves, (half) => half << 16);
    return new Float32Array(words.buffer);
  }
  return Float32Array.from(halves, (half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const sign = half & 0x8000 ? -1 : 1;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
