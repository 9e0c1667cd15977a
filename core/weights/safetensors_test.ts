import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { stream } from "../random.ts";
import { tensor } from "../tensor.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

/** A file with this header and so many bytes of data. */
function file(header: unknown, data: Uint8Array | number = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

function small(): Uint8Array {
  return encodeSafetensors(
    new Map([["a", tensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))], [
      "b",
      tensor([], Float32Array.of(-0.5)),
    ]]),
    { note: "text" },
  );
}

Deno.test("encodeSafetensors() and decodeSafetensors() are inverse, names in order, odd values kept", () => {
  const tensors = new Map([
    ["z.weight", tensor([1, 2], Float32Array.of(NaN, -Infinity))],
    ["a", tensor([3], Float32Array.of(-0, 1e-45, 3.4028234663852886e38))],
    ['üñ "quoted" \\', tensor([0, 4])],
  ]);
  const read = decodeSafetensors(encodeSafetensors(tensors, { key: "value" }));
  assertEquals([...read.tensors], [...tensors]);
  assertEquals(read.metadata, { key: "value" });
  assertEquals(decodeSafetensors(encodeSafetensors(new Map())).tensors.size, 0);
});

Deno.test("decodeSafetensors() reads from the middle of a buffer, at any alignment", () => {
  const bytes = small();
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assertEquals(decodeSafetensors(shifted.subarray(3)), decodeSafetensors(bytes));
});

Deno.test("encodeSafetensors() aligns data to 8 bytes and is little-endian", () => {
  const bytes = small();
  const view = new DataView(bytes.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  assertEquals(start % 8, 0);
  assertEquals([view.getFloat32(start, true), view.getFloat32(start + 20, true)], [1, 6]);
});

Deno.test("encodeSafetensors() refuses the reserved name and data that does not fill its shape", () => {
  assertThrows(() => encodeSafetensors(new Map([["__metadata__", tensor([1])]])), RangeError, "is reserved");
  const wrong = { shape: [2], data: new Float32Array(3) };
  assertThrows(() => encodeSafetensors(new Map([["w", wrong]])), RangeError, "3 values do not fill [2]");
});

Deno.test("decodeSafetensors() widens F16 and BF16", () => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7c00, 0x8000);
  // 1, -2, 0.333251953125 (1 + 341/1024) / 4, the least subnormal 2^-24, infinity, -0
  const f16 = file({ h: { dtype: "F16", shape: [6], data_offsets: [0, 12] } }, new Uint8Array(half.buffer));
  assertEquals([...decodeSafetensors(f16).tensors.get("h")!.data], [
    1,
    -2,
    0.333251953125,
    2 ** -24,
    Infinity,
    -0,
  ]);
  const brain = Uint16Array.of(0x3f80, 0xc049, 0x7f80);
  const bf16 = file({ h: { dtype: "BF16", shape: [3], data_offsets: [0, 6] } }, new Uint8Array(brain.buffer));
  // 0xc049 is the upper half of -3.140625
  assertEquals([...decodeSafetensors(bf16).tensors.get("h")!.data], [1, -3.140625, Infinity]);
});

Deno.test("decodeSafetensors() refuses every truncation, and anything more at the end", () => {
  const bytes = small();
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(
      () => decodeSafetensors(bytes.subarray(0, length)),
      SyntaxError,
      "Cannot read safetensors: ",
    );
  }
  const longer = new Uint8Array(bytes.length + 4);
  longer.set(bytes);
  assertThrows(() => decodeSafetensors(longer), SyntaxError, "tensors cover 28 bytes, file holds 32");
});

Deno.test("decodeSafetensors() throws only SyntaxError, whatever bit is flipped", () => {
  const bytes = small();
  const random = stream(1, "flips");
  for (let i = 0; i < 3000; i++) {
    const copy = bytes.slice();
    copy[Math.floor(random() * copy.length)]! ^= 1 << Math.floor(random() * 8);
    try {
      decodeSafetensors(copy);
    } catch (error) {
      assert(error instanceof SyntaxError, String(error));
    }
  }
});

Deno.test("decodeSafetensors() refuses headers that lie", () => {
  const one = (entry: unknown, data = 4) => file({ w: entry }, data);
  const cases: readonly [Uint8Array, string][] = [
    [file("[]"), "header is not an object"],
    [file("null"), "header is not an object"],
    [file("{"), "header is not JSON"],
    [file({ __metadata__: 3 }), "metadata is not an object"],
    [one(null), 'tensor "w" has dtype undefined'],
    [
      one({ dtype: "F64", shape: [1], data_offsets: [0, 4] }),
      'tensor "w" has dtype F64, must be F32, F16 or BF16',
    ],
    [one({ dtype: "toString", shape: [1], data_offsets: [0, 4] }), "has dtype toString"],
    [one({ dtype: "F32", shape: [-1], data_offsets: [0, 4] }), "malformed shape"],
    [one({ dtype: "F32", shape: [0.5], data_offsets: [0, 2] }), "malformed shape"],
    [one({ dtype: "F32", shape: Array(17).fill(1), data_offsets: [0, 4] }), "malformed shape"],
    [one({ dtype: "F32", shape: [1], data_offsets: [0] }), "malformed offsets"],
    [one({ dtype: "F32", shape: [1], data_offsets: [4, 0] }), "spans bytes 4 to 0"],
    [one({ dtype: "F32", shape: [2], data_offsets: [0, 8] }), "spans bytes 0 to 8"],
    [one({ dtype: "F32", shape: [1], data_offsets: [4, 8] }), "spans bytes 4 to 8"],
    [one({ dtype: "F32", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 4] }), "does not fit"],
    [new Uint8Array([255, 255, 255, 255, 255, 255, 255, 255]), "header says"],
  ];
  for (const [bytes, said] of cases) assertThrows(() => decodeSafetensors(bytes), SyntaxError, said);
});
