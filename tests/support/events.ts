/**
 * Reads TensorBoard event files without the code that writes them.
 *
 * @module
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** One event of a file. */
export interface ReadEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** Global step. */
  readonly step: number;
  /** Of the first event only. */
  readonly version?: string;
  /** By tag. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** CRC-32C bit by bit (polynomial 0x1EDC6F41, reflected), masked as in TFRecord. */
function masked(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc >>> 0;
  return ((crc >>> 15 | crc << 17) + 0xa282ead8) >>> 0;
}

/** Records of a file, lengths and checksums checked; one that is not whole is an error. */
function* records(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 8, true) !== masked(bytes.subarray(at, at + 8))) {
      throw new Error(`length at ${at}`);
    }
    if (view.getUint32(at + 12 + length, true) !== masked(data)) throw new Error(`data at ${at}`);
    yield data;
    at += 16 + length;
  }
}

/** Fields of a message by number; repeated ones in order. */
function fields(bytes: Uint8Array): { number: number; value: number | Uint8Array }[] {
  const reader = new BinaryReader(bytes);
  const found: { number: number; value: number | Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === 0) found.push({ number, value: Number(reader.int64()) });
    else if (type === 1) found.push({ number, value: reader.double() });
    else if (type === 5) found.push({ number, value: reader.float() });
    else if (type === 2) found.push({ number, value: reader.bytes() });
    else throw new Error(`wire type ${type}`);
  }
  return found;
}

function read(data: Uint8Array): ReadEvent {
  const text = new TextDecoder();
  let event: ReadEvent = { time: NaN, step: 0, scalars: {} };
  for (const { number, value } of fields(data)) {
    if (number === 1) event = { ...event, time: value as number };
    if (number === 2) event = { ...event, step: value as number };
    if (number === 3) event = { ...event, version: text.decode(value as Uint8Array) };
    if (number !== 5) continue;
    const scalars = fields(value as Uint8Array).map(({ value: one }): [string, number] => {
      const [tag, scalar] = fields(one as Uint8Array);
      return [text.decode(tag!.value as Uint8Array), scalar!.value as number];
    });
    event = { ...event, scalars: Object.fromEntries(scalars) };
  }
  return event;
}

/** Events of the one event file of a run folder. */
export async function readEvents(folder: string): Promise<ReadEvent[]> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
    name.includes("tfevents")
  );
  if (names.length !== 1) throw new Error(`there are ${names.length} event files in ${folder}`);
  return [...records(await Deno.readFile(`${folder}/${names[0]}`))].map(read);
}
