import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { raster } from "../image/raster.ts";
import { stream } from "../random.ts";
import { cellsOf, FREE, GLANCE, OPTIONS, patch, rules } from "./_fixture.ts";
import type { GridOptions } from "./grid.ts";
import type { GridState } from "./grid_state.ts";
import type { Ask, Method, Turn } from "./method.ts";
import { patchDrop } from "./patchdrop.ts";

const PROBABILITIES = [0.9, 0.2, 0.6, 0.7];

function looking(turn: Turn<GridState>): Extract<Turn<GridState>, { kind: "look" }> {
  if (turn.kind !== "look") throw new Error(`answers because ${turn.because}`);
  return turn;
}

function answered(turn: Turn<GridState>): Extract<Turn<GridState>, { kind: "answer" }> {
  if (turn.kind !== "answer") throw new Error("looks on");
  return turn;
}

function made(options: Partial<GridOptions>): Method<GridState> {
  return patchDrop({ ...OPTIONS, ...options });
}

Deno.test("patchDrop() as published looks once, at the cells of one half and more, best first, then answers", async () => {
  const { run, calls } = rules({ probabilities: PROBABILITIES });
  const method = made({});
  const first = looking(await method.begin(run, GLANCE, FREE));
  assertEquals(cellsOf(first.plan), [0, 3, 2]);
  assertEquals(first.plan[1], {
    id: 3,
    box: { x: 2, y: 2, w: 2, h: 2 },
    size: { width: 2, height: 2 },
    gain: first.plan[1]!.gain,
  });
  assertAlmostEquals(first.plan[1]!.gain, 0.7, 1e-6);
  assertEquals([...first.belief], [...new Float32Array(3).fill(1 / 3)]);
  assertEquals(calls, ["policy"]); // nothing was seen, so nothing was read
  const last = answered(
    await method.resume(run, first.state, [patch(0, 1), patch(3, 1), patch(2, 2)], FREE),
  );
  assertEquals(last.because, "exhausted");
  // Four pixels a patch: logits 0, 8, 4.
  const expected = [1, Math.exp(8), Math.exp(4)];
  const sum = expected.reduce((a, b) => a + b);
  last.belief.forEach((value, c) => assertAlmostEquals(value, expected[c]! / sum, 1e-6));
});

Deno.test("patchDrop() answers from the glance when no cell reaches the level", async () => {
  const { run, calls } = rules({ probabilities: [0.1, 0.2, 0.3, 0.4], glance: [0, 9, 0] });
  const turn = answered(await made({ glanceNetwork: true }).begin(run, GLANCE, FREE));
  assertEquals(turn.because, "exhausted");
  assert(turn.belief[1]! > 0.99);
  assertEquals(calls.toSorted(), ["glance", "policy"]);
});

Deno.test("patchDrop() without a glance network reads the empty canvas when nothing is worth looking at", async () => {
  const { run, calls } = rules({ probabilities: [0.1, 0.2, 0.3, 0.4] });
  answered(await made({}).begin(run, GLANCE, FREE));
  assertEquals(calls, ["policy", "classifier"]);
});

Deno.test("patchDrop() with levels looks on where it has not looked, and passes over a level no cell reaches", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  const method = made({ levels: [0.8, 0.75, 0.65, 0] });
  const first = looking(await method.begin(run, GLANCE, FREE));
  assertEquals(cellsOf(first.plan), [0]);
  const second = looking(await method.resume(run, first.state, [patch(0)], FREE));
  assertEquals(cellsOf(second.plan), [3]); // level 0.75 is empty
  const third = looking(await method.resume(run, second.state, [patch(3)], FREE));
  assertEquals(cellsOf(third.plan), [2, 1]);
  const last = answered(await method.resume(run, third.state, [patch(2), patch(1)], FREE));
  assertEquals(last.because, "exhausted");
});

Deno.test("patchDrop() answers as soon as it is sure, and the caller's confidence goes before the model's", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  const method = made({ levels: [0.8, 0], confidence: 0.9 });
  const first = looking(await method.begin(run, GLANCE, FREE));
  const seen = [patch(0, 2)]; // logits 0, 0, 4: confidence 0.965
  assertEquals(answered(await method.resume(run, first.state, seen, FREE)).because, "confident");
  const careful: Ask = { ...FREE, budget: { confidence: 0.99 } };
  assertEquals((await method.resume(run, first.state, seen, careful)).kind, "look");
});

Deno.test("patchDrop() asks for what the budget lets in, and says when the budget was the reason", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  const method = made({});
  const two = looking(await method.begin(run, GLANCE, { ...FREE, budget: { patches: 2 } }));
  assertEquals(cellsOf(two.plan), [0, 3]);
  const none = answered(await method.begin(run, GLANCE, { ...FREE, budget: { patches: 0 } }));
  assertEquals(none.because, "budget");
});

Deno.test("patchDrop() goes on without patches that could not be had, and never asks for them again", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  const method = made({ levels: [0.65, 0] });
  const first = looking(await method.begin(run, GLANCE, FREE));
  assertEquals(cellsOf(first.plan), [0, 3]);
  const second = looking(await method.resume(run, first.state, [patch(3)], FREE));
  assertEquals(cellsOf(second.plan), [2, 1]);
  const last = answered(await method.resume(run, second.state, [], FREE));
  assertEquals(last.because, "exhausted");
});

Deno.test("patchDrop() refuses patches that were not asked for, come twice, or have another size", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  const method = made({});
  const { state } = looking(await method.begin(run, GLANCE, FREE));
  const refused = (seen: Parameters<typeof method.resume>[2], sentence: string): Promise<unknown> =>
    assertRejects(() => method.resume(run, state, seen, FREE), RangeError, sentence);
  await refused([patch(1)], "patch 1: it was not asked for");
  await refused([patch(99)], "patch 99: it was not asked for");
  await refused([patch(0), patch(0)], "patch 0: it came twice");
  await refused([{ id: 0, pixels: raster(3, 2) }], "it is 3 x 2, must be 2 x 2");
});

Deno.test("patchDrop() does not depend on the order in which patches arrive, nor on their being one turn or two", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  for (const reading of ["canvas", "patches"] as const) {
    const once = made({ reading });
    const { state } = looking(await once.begin(run, GLANCE, FREE));
    const seen = [patch(0, 0), patch(3, 1), patch(2, 1)];
    const forward = answered(await once.resume(run, state, seen, FREE));
    const backward = answered(await once.resume(run, state, seen.toReversed(), FREE));
    assertEquals(backward.belief, forward.belief);
    const twice = made({ reading, levels: [0.8, 0.5] });
    const first = looking(await twice.begin(run, GLANCE, FREE));
    const second = looking(await twice.resume(run, first.state, [seen[0]!], FREE));
    assertEquals(answered(await twice.resume(run, second.state, seen.slice(1), FREE)).belief, forward.belief);
  }
});

Deno.test("patchDrop() adds the glance as its fusion says", async () => {
  const { run } = rules({ probabilities: PROBABILITIES, glance: [4, 0, 0] });
  const beliefs: Record<string, number> = {};
  for (const fusion of ["none", "sum", "weighted"] as const) {
    const method = made({ glanceNetwork: true, fusion });
    const { state } = looking(await method.begin(run, GLANCE, FREE));
    const turn = answered(await method.resume(run, state, [patch(0, 0), patch(3), patch(2)], FREE));
    beliefs[fusion] = turn.belief[0]!;
  }
  const first = (logit: number): number => Math.exp(logit) / (Math.exp(logit) + 2);
  assertAlmostEquals(beliefs["none"]!, first(4), 1e-6);
  assertAlmostEquals(beliefs["sum"]!, first(8), 1e-6);
  assertAlmostEquals(beliefs["weighted"]!, first(0.75 * 4 + 0.25 * 4), 1e-6);
});

Deno.test("patchDrop() divides logits by its temperature", async () => {
  const { run } = rules({ probabilities: [0.1, 0.1, 0.1, 0.1], glance: [4, 0, 0] });
  const { belief } = await made({ glanceNetwork: true, temperature: 2 }).begin(run, GLANCE, FREE);
  assertAlmostEquals(belief[0]!, Math.exp(2) / (Math.exp(2) + 2), 1e-6);
});

Deno.test("patchDrop().state keeps a state to the bit, so that an episode goes on as if it had not been away", async () => {
  const { run } = rules({ probabilities: PROBABILITIES, glance: [0.1, 0.2, 0.3] });
  for (const reading of ["canvas", "patches"] as const) {
    const method = made({ reading, glanceNetwork: true, fusion: "sum", levels: [0.65, 0] });
    const first = looking(await method.begin(run, GLANCE, FREE));
    const again = method.state.decode(method.state.encode(first.state));
    assertEquals(again, first.state);
    const second = looking(await method.resume(run, again, [patch(0, 1)], FREE));
    const bytes = method.state.encode(second.state);
    assert(bytes.length <= method.state.maxBytes);
    assertEquals(method.state.decode(bytes), second.state);
  }
});

Deno.test("patchDrop().state reads any bytes as a state within its bounds or refuses them", async () => {
  const { run } = rules({ probabilities: PROBABILITIES });
  const method = made({ glanceNetwork: true });
  const { state } = looking(await method.begin(run, GLANCE, FREE));
  const bytes = method.state.encode(state);
  const random = stream(9, "bytes");
  let [read, refused] = [0, 0];
  for (let i = 0; i < 2000; i++) {
    const hostile = i % 4 === 0
      ? Uint8Array.from({ length: Math.floor(random() * 2 * bytes.length) }, () => random() * 256)
      : bytes.slice(0, i % 4 === 1 ? Math.floor(random() * bytes.length) : bytes.length);
    if (i % 4 > 1) hostile[Math.floor(random() * hostile.length)] = random() * 256;
    try {
      const found = method.state.decode(hostile);
      read += 1;
      assertEquals(found.cells.length, 4);
      assert(found.cells.every((condition) => condition <= 3));
      assert([...found.probabilities, ...found.glance].every(Number.isFinite));
      const seen = found.cells.filter((condition) => condition === 3).length;
      assertEquals(found.memory.length, 12 * seen);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      refused += 1;
    }
  }
  assert(read > 100 && refused > 100, `${read} read, ${refused} refused`);
});
