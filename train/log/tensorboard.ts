/**
 * TensorBoard event files: `Event` protocol buffer messages in TFRecord frames.
 *
 * Messages: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto and
 * `summary.proto` beside it. Frames: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import crc32c from "crc-32/crc32c.js";

/** Scalars of one step. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** Global step; an integer of at least 0. */
  readonly step: number;
  /** Values by tag; TensorBoard groups tags by what stands before the first `/`. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The first record of every event file. */
export function encodeVersionEvent(time: number): Uint8Array {
  const event = new BinaryWriter().tag(1, WireType.Bit64).double(time);
  return event.tag(3, WireType.LengthDelimited).string("brain.Event:2").finish();
}

/** One `Event` with a `Summary` of `simple_value`s; values become `float32`. */
export function encodeScalarEvent({ time, step, scalars }: ScalarEvent): Uint8Array {
  const event = new BinaryWriter().tag(1, WireType.Bit64).double(time);
  event.tag(2, WireType.Varint).int64(step);
  event.tag(5, WireType.LengthDelimited).fork(); // Summary
  for (const [tag, value] of Object.entries(scalars)) {
    event.tag(1, WireType.LengthDelimited).fork(); // Summary.Value
    event.tag(1, WireType.LengthDelimited).string(tag);
    event.tag(2, WireType.Bit32).float(Math.fround(value)); // beyond float32 is infinite, not an error
    event.join();
  }
  return event.join().finish();
}

/**
 * Puts a frame around one record: `uint64 length, uint32 masked crc of length, data, uint32 masked crc of data`,
 * all little-endian.
 */
export function frameRecord(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(frame.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(frame.subarray(0, 8)), true);
  frame.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return frame;
}

/** CRC-32C (Castagnoli), rotated right by 15 and shifted by a constant so that a CRC of CRCs stays useful. */
export function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c.buf(data) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
