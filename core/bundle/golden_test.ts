import { assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import type { Run } from "../policy/mod.ts";
import { tensor } from "../tensor.ts";
import { encodeSafetensors } from "../weights/mod.ts";
import { checkGolden, decodeGolden, disagreement, encodeGolden, type GoldenCase } from "./golden.ts";

const of = (...values: number[]) => tensor([1, values.length], Float32Array.from(values));
const CASES: GoldenCase[] = [
  { network: "policy", inputs: { glance: of(1, 2) }, outputs: { logits: of(0, 10) } },
  { network: "glance", inputs: { glance: of(3) }, outputs: { logits: of(1, 2, 3) } },
];

/** Answers the golden outputs, the first value of `policy` off by `error`. */
function answering(error: number): Run {
  return (network) => {
    const { outputs } = CASES.find((one) => one.network === network)!;
    const data = outputs["logits"]!.data.slice();
    if (network === "policy") data[0]! += error;
    return Promise.resolve({ logits: { shape: outputs["logits"]!.shape, data } });
  };
}

Deno.test("decodeGolden() gives back what encodeGolden() was given", () => {
  assertEquals(decodeGolden(encodeGolden(CASES)), CASES);
});

Deno.test("decodeGolden() refuses arrays that are of no network", () => {
  assertThrows(
    () => decodeGolden(encodeSafetensors(new Map([["stray", of(1)]]))),
    SyntaxError,
    'Cannot read golden arrays: "stray"',
  );
});

Deno.test("disagreement() is a share of the range, infinite for what cannot be compared", () => {
  assertEquals(disagreement(of(0, 10), of(0, 10)), 0);
  assertEquals(disagreement(of(0, 10), of(1, 10)), 0.1);
  assertEquals(disagreement(of(5, 5), of(5, 7)), 2);
  assertEquals(disagreement(of(0, 10), of(0, 10, 0)), Infinity);
  assertEquals(disagreement(of(0, 10), of(NaN, 10)), Infinity);
});

Deno.test("checkGolden() passes what agrees and says how well, and refuses what does not", async () => {
  assertEquals([...await checkGolden(CASES, answering(0))], [["policy", 0], ["glance", 0]]);
  await checkGolden(CASES, answering(0.0009)); // 9e-5 of a range of 10
  await assertRejects(() => checkGolden(CASES, answering(0.0011)), RangeError, 'Cannot trust "policy"');
  await assertRejects(() => checkGolden(CASES, answering(NaN)), RangeError, 'Cannot trust "policy"');
});
