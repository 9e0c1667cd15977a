import { assertEquals, assertMatch, assertRejects } from "@std/assert/mod.js";
import { connect, picture } from "../../client/mod.ts";
import { encode, raster } from "../../core/image/mod.ts";
import { startServer } from "../../serve/adapters/deno.ts";
import { createMachine, fakeRuntime, type Machine } from "../../serve/runtime/mod.ts";
import { problemOf, withEdge } from "../support/edge.ts";
import { inFolder } from "../support/folder.ts";
import { tinyFiles } from "../support/tiny_bundle.ts";

const GLANCE = await encode(raster(8, 8), { type: "image/png" });
const post = (signal?: AbortSignal): RequestInit => ({
  method: "POST",
  body: GLANCE,
  headers: { "content-type": "image/png" },
  ...(signal === undefined ? {} : { signal }),
});

/** A machine whose networks answer when they are told to. */
function heldMachine(): { readonly machine: Machine; readonly called: Promise<void>; end(): void } {
  const called = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const machine: Machine = {
    ...createMachine(fakeRuntime(() => ({ inputs: [], outputs: [], run: () => ({}) }))),
    run: () => {
      called.resolve();
      return ended.promise;
    },
  };
  return { machine, called: called.promise, end: () => ended.reject(new Error("ended")) };
}

Deno.test("startServer() serves a folder over HTTP with workers, and ends when it is told to", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tiny/1`, { recursive: true });
    for (const [name, bytes] of await tinyFiles()) await Deno.writeFile(`${folder}/tiny/1/${name}`, bytes);
    await Deno.mkdir(`${folder}/half/1`, { recursive: true });
    await Deno.writeTextFile(`${folder}/half/1/manifest.json`, "{");
    const lines: string[] = [];
    const server = await startServer({
      repository: folder,
      port: 0,
      workers: 2,
      log: (entry) => entry.kind !== "request" && lines.push(`${entry.kind}: ${entry.message}`),
    });
    try {
      assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
      assertMatch(lines.join("\n"), /note: states are sealed with a key made for this process/);
      assertMatch(lines.join("\n"), /fault: version 1 of "half" is left out: Cannot read manifest/);
      const client = connect(server.url);
      const source = picture(raster(32, 32));
      const results = await Promise.all([1, 2, 3, 4].map(() => client.classify(source, { model: "tiny" })));
      assertEquals(new Set(results.map(({ label }) => label)).size, 1);
      const page = await fetch(`${server.url}/problems/state-expired`);
      assertMatch(await page.text(), /^# State has expired/);
    } finally {
      await server.shutdown();
    }
    await server.finished;
    await assertRejects(() => fetch(`${server.url}/livez`));
  });
});

Deno.test("startServer() refuses a repository that is not there", async () => {
  await assertRejects(() => startServer({ repository: "/nowhere/at/all" }), RangeError, "must be a folder");
});

Deno.test("the edge sends callers away when it has too much to do, and gets over it", async () => {
  const held = heldMachine();
  const limits = { maxActive: 1, maxQueued: 0 };
  await withEdge({ machine: held.machine, limits }, async ({ send, service }) => {
    const first = send("/v1/models/tiny/glance", post());
    await held.called;
    const response = await send("/v1/models/tiny/glance", post());
    assertEquals([response.status, response.headers.get("retry-after")], [503, "1"]);
    assertMatch((await problemOf(response)).type, /overloaded$/);
    assertEquals((await service.app.request("http://edge.test/livez")).status, 200);
    held.end();
    assertEquals((await first).status, 500);
    assertEquals((await send("/v1/models/tiny/glance", post())).status, 500);
  });
});

Deno.test("the edge answers at its deadline", async () => {
  const held = heldMachine();
  await withEdge({ machine: held.machine, limits: { deadlineMs: 20 } }, async ({ send }) => {
    const problem = await problemOf(await send("/v1/models/tiny/glance", post()));
    assertEquals([problem.status, problem.deadlineMs], [503, 20]);
    held.end();
  });
});

Deno.test("the edge drops the turn of a caller that is gone and says so in its log", async () => {
  const held = heldMachine();
  await withEdge({ machine: held.machine, limits: { maxActive: 1 } }, async ({ send, log }) => {
    const abort = new AbortController();
    const gone = send("/v1/models/tiny/glance", post(abort.signal));
    await held.called;
    abort.abort();
    await gone;
    assertEquals(log.map(({ status }) => status), [499]);
    held.end();
  });
});
