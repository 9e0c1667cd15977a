import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { ProtocolError } from "../protocol/mod.ts";
import { createGate } from "./gate.ts";

const LIMITS = { maxActive: 2, maxQueued: 2, deadlineMs: 60_000, retryAfterSeconds: 1 };
const here = () => new AbortController().signal;

/** Work that ends when it is told to. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, end: resolve };
}

Deno.test("createGate() lets so many in, keeps so many waiting and sends the rest away", async () => {
  const gate = createGate(LIMITS);
  const works = Array.from({ length: 4 }, held);
  const done = works.map(({ work }) => gate.run(here(), work));
  assertEquals(gate.load, { active: 2, queued: 2 });
  const error = await assertRejects(() => gate.run(here(), () => Promise.resolve()), ProtocolError);
  assertEquals([error.code, error.details], ["overloaded", { retryAfterSeconds: 1 }]);
  works[1]!.end();
  await done[1];
  assertEquals(gate.load, { active: 2, queued: 1 });
  for (const { end } of works) end();
  await Promise.all(done);
  assertEquals(gate.load, { active: 0, queued: 0 });
  assertEquals(await gate.run(here(), () => Promise.resolve(5)), 5);
});

Deno.test("createGate() answers in order of arrival", async () => {
  const gate = createGate({ ...LIMITS, maxActive: 1, maxQueued: 9 });
  const order: number[] = [];
  await Promise.all([0, 1, 2, 3].map((i) => gate.run(here(), () => Promise.resolve(order.push(i)))));
  assertEquals(order, [0, 1, 2, 3]);
});

Deno.test("createGate() forgets a caller that leaves while it waits", async () => {
  const gate = createGate({ ...LIMITS, maxActive: 1 });
  const first = held();
  const done = gate.run(here(), first.work);
  const abort = new AbortController();
  let ran = false;
  const left = assertRejects(
    () => gate.run(abort.signal, () => Promise.resolve(ran = true)),
    RangeError,
    "gone",
  );
  const last = gate.run(here(), () => Promise.resolve("served"));
  abort.abort(new RangeError("gone"));
  await left;
  assertEquals(gate.load, { active: 1, queued: 1 });
  first.end();
  await done;
  assertEquals(await last, "served");
  assertEquals([ran, gate.load], [false, { active: 0, queued: 0 }]);
});

Deno.test("createGate() answers a caller at the deadline but keeps the place until the work has ended", async () => {
  const gate = createGate({ ...LIMITS, deadlineMs: 1 });
  const slow = held();
  let told = false;
  const error = await assertRejects(() =>
    gate.run(here(), (signal) => {
      signal.addEventListener("abort", () => told = true);
      return slow.work();
    }), ProtocolError);
  assertEquals([error.code, told, gate.load.active], ["deadline-exceeded", true, 1]);
  slow.end();
  await slow.work();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(gate.load.active, 0);
});

Deno.test("createGate() gives the place back when the work fails", async () => {
  const gate = createGate(LIMITS);
  await assertRejects(() => gate.run(here(), () => Promise.reject(new Error("no"))), Error, "no");
  assertEquals(gate.load, { active: 0, queued: 0 });
});
