import { assertEquals } from "@std/assert/mod.js";
import { encodeScalarEvent, encodeVersionEvent, frameRecord, maskedCrc32c } from "./tensorboard.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

Deno.test("maskedCrc32c() masks the CRC-32C of RFC 3720, B.4", () => {
  assertEquals(unmask(maskedCrc32c(new Uint8Array(32))), 0x8a9136aa);
  assertEquals(unmask(maskedCrc32c(new Uint8Array(32).fill(0xff))), 0x62a8ab43);
  assertEquals(unmask(maskedCrc32c(Uint8Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
  assertEquals(unmask(maskedCrc32c(ascii("123456789"))), 0xe3069283); // the check value of the CRC catalogue
});

// The first 12 bytes of any event file: its version record is 24 bytes long, and so begins
// 18 00 00 00 00 00 00 00 a3 7f 4b 22 in every file TensorFlow ever wrote.
Deno.test("frameRecord() frames the version event as TensorFlow does", () => {
  const data = encodeVersionEvent(1.5);
  const frame = frameRecord(data);
  assertEquals(frame.subarray(0, 12).toHex(), "1800000000000000a37f4b22");
  assertEquals(frame.subarray(12, 36), data);
  assertEquals(new DataView(frame.buffer).getUint32(36, true), maskedCrc32c(data));
  assertEquals(frame.length, 40);
});

Deno.test("encodeVersionEvent() is wall_time 1, file_version 3", () => {
  // 1.5 = 3ff8000000000000; tag 1 fixed64 = 09; tag 3 bytes = 1a, 13 long
  assertEquals(
    encodeVersionEvent(1.5).toHex(),
    "09000000000000f83f" + "1a0d" + ascii("brain.Event:2").toHex(),
  );
});

Deno.test("encodeScalarEvent() is wall_time 1, step 2, summary 5 with value 1 of tag 1 and simple_value 2", () => {
  const event = encodeScalarEvent({ time: 1.5, step: 300, scalars: { "a/b": 0.5, c: -2 } });
  // 300 = ac02 as a varint; 0.5f = 3f000000; -2f = c0000000
  const first = "0a0a" + "0a03612f62" + "150000003f"; // value, 10 long: tag "a/b", float
  const second = "0a08" + "0a0163" + "15000000c0"; // value, 8 long: tag "c", float
  assertEquals(event.toHex(), "09000000000000f83f" + "10ac02" + "2a16" + first + second);
});

Deno.test("encodeScalarEvent() keeps steps past 32 bits and turns what float32 cannot hold into infinity", () => {
  // 2^40 as a varint: five groups of seven zero bits, then 2^5
  assertEquals(
    encodeScalarEvent({ time: 0, step: 2 ** 40, scalars: {} }).toHex().slice(18, 32),
    "10" + "808080808020",
  );
  const event = encodeScalarEvent({ time: 0, step: 0, scalars: { a: 1e39 } });
  assertEquals(event.toHex().slice(-8), "0000807f");
});
