import { assertEquals } from "@std/assert/mod.js";
import { afford, expectedBytes, JPEG_COST, remaining } from "./budget.ts";
import type { Patch } from "./method.ts";

const patch = (id: number, side: number): Patch => ({
  id,
  box: { x: 0, y: 0, w: side, h: side },
  size: { width: side, height: side },
  gain: 1 - id / 100,
});
const ids = (plan: readonly Patch[]): number[] => plan.map(({ id }) => id);

Deno.test("expectedBytes() counts every request and every pixel", () => {
  // 2 * 600 + 0.2 * (10 * 10 + 20 * 20) = 1300
  assertEquals(expectedBytes([patch(0, 10), patch(1, 20)], JPEG_COST), 1300);
  assertEquals(expectedBytes([], JPEG_COST), 0);
});

Deno.test("afford() takes the whole plan when nothing is limited, in its order", () => {
  assertEquals(ids(afford([patch(3, 8), patch(1, 8), patch(2, 8)], {}, JPEG_COST)), [3, 1, 2]);
});

Deno.test("afford() takes the first patches up to their number", () => {
  const plan = [patch(0, 8), patch(1, 8), patch(2, 8)];
  assertEquals(ids(afford(plan, { patches: 2 }, JPEG_COST)), [0, 1]);
  assertEquals(afford(plan, { patches: 0 }, JPEG_COST), []);
});

Deno.test("afford() passes over what is too dear for what is behind it, and never spends more than there is", () => {
  const cost = { bytesPerRequest: 0, bytesPerPixel: 1 };
  const plan = [patch(0, 10), patch(1, 20), patch(2, 10), patch(3, 5)];
  assertEquals(ids(afford(plan, { bytes: 220 }, cost)), [0, 2]); // 100 + 100; 400 and 25 do not fit
  assertEquals(ids(afford(plan, { bytes: 225 }, cost)), [0, 2, 3]); // to the byte
  assertEquals(afford(plan, { bytes: 24 }, cost), []);
});

Deno.test("afford() takes nothing once the turns are used up", () => {
  assertEquals(afford([patch(0, 8)], { turns: 0 }, JPEG_COST), []);
  assertEquals(ids(afford([patch(0, 8)], { turns: 1 }, JPEG_COST)), [0]);
});

Deno.test("remaining() is never below 0 and leaves unlimited what is unlimited", () => {
  const spent = { patches: 3, bytes: 500, turns: 1 };
  assertEquals(remaining({}, spent), {});
  assertEquals(remaining({ patches: 2, bytes: 800, turns: 1, confidence: 0.9 }, spent), {
    patches: 0,
    bytes: 300,
    turns: 0,
    confidence: 0.9,
  });
});
