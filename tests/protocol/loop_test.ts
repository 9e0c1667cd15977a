import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { file, type Look, picture, ProtocolError, type Source } from "../../client/mod.ts";
import { methodOf, operatingPoint } from "../../core/bundle/mod.ts";
import { cutOf } from "../../core/geometry/mod.ts";
import { encode, type Raster, raster } from "../../core/image/mod.ts";
import { deviceView, glanceOf, JPEG_COST, patchOf } from "../../core/policy/mod.ts";
import { type Random, stream } from "../../core/random.ts";
import { createMachine, openRuntime } from "../../serve/runtime/mod.ts";
import { withEdge } from "../support/edge.ts";
import { tinyBundle } from "../support/tiny_bundle.ts";

/** Blocks of random colours: something JPEG and PNG can both do. */
function blocks(width: number, height: number, random: Random): Raster {
  const out = raster(width, height);
  const colors = Uint8Array.from({ length: 3 * 64 }, () => Math.floor(256 * random()));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const block = 8 * (Math.floor((8 * y) / height) % 8) + (Math.floor((8 * x) / width) % 8);
      out.data.set(colors.subarray(3 * block, 3 * block + 3), 3 * (y * width + x));
    }
  }
  return out;
}

const pictureOf = (name: string, width = 32, height = 32) => blocks(width, height, stream(1, name));

async function turnsOf(looking: AsyncGenerator<Look, void, void>): Promise<Look[]> {
  const turns: Look[] = [];
  for await (const turn of looking) turns.push(turn);
  return turns;
}

Deno.test("classify() reaches the same answer as the episode run by hand, in every reading and fit", async () => {
  for (const reading of ["canvas", "patches"] as const) {
    for (const fit of ["cover", "contain", "stretch"] as const) {
      const bundle = await tinyBundle({ reading, fit });
      const { manifest } = bundle;
      const machine = createMachine(await openRuntime("web"));
      await machine.open("x", bundle.networks);
      await withEdge({ bundles: [{ reading, fit }] }, async ({ client }) => {
        for (
          const [name, width, height] of [["a", 32, 32], ["b", 100, 60], ["c", 31, 97], ["d", 7, 5]] as const
        ) {
          const pixels = pictureOf(name, width, height);
          const method = methodOf(manifest, operatingPoint(manifest));
          const run: Parameters<typeof method.begin>[0] = (network, inputs) =>
            machine.run("x", network, inputs);
          const ask = { budget: {}, cost: JPEG_COST };
          const view = deviceView(pixels, manifest);
          let turn = await method.begin(run, glanceOf(pixels, manifest), ask);
          let shown = 0;
          while (turn.kind === "look") {
            shown += turn.plan.filter(({ box, size }) => cutOf(view, box, size) !== undefined).length;
            const seen = turn.plan.map((patch) => ({ id: patch.id, pixels: patchOf(pixels, view, patch) }));
            turn = await method.resume(run, turn.state, seen, ask);
          }
          const result = await client.classify(picture(pixels), { model: "tiny" });
          const best = turn.belief.indexOf(Math.max(...turn.belief));
          assertEquals(result.index, best, `${reading} ${fit} ${name}`);
          assertAlmostEquals(result.confidence, turn.belief[best]!, 1e-6);
          assertEquals(result.because, turn.because);
          assertEquals(result.patches, shown);
        }
      });
      await machine.close();
    }
  }
});

Deno.test("look() yields every turn, with boxes inside the picture and bytes as they were sent", async () => {
  await withEdge({ bundles: [{ levels: [0.55, 0.45, 0], transfer: "image/jpeg" }] }, async ({ client }) => {
    for (const [width, height] of [[32, 32], [200, 90], [33, 1000], [5, 5], [1, 1]] as const) {
      const turns = await turnsOf(client.look(picture(pictureOf("x", width, height)), { model: "tiny" }));
      assertEquals(turns.map(({ turn }) => turn), turns.map((_, i) => i));
      assertEquals(turns.map(({ stop }) => stop), turns.map((_, i) => i === turns.length - 1));
      for (const turn of turns) {
        assertEquals(turn.bytes.received, turn.sent.bytes);
        assertEquals(turn.spent.patches, turn.sent.patches.length);
        if (turn.stop) continue;
        assertEquals(turn.plan.map(({ rank }) => rank), turn.plan.map((_, i) => i));
        for (const { box, boxNorm, size, at, cell, id } of turn.plan) {
          assert(box.x >= 0 && box.y >= 0 && box.x + box.w <= width && box.y + box.h <= height);
          assert(boxNorm.x >= 0 && boxNorm.x + boxNorm.w <= 1 + 1e-9);
          assert(size.width >= 1 && size.height >= 1 && at.x + size.width <= 8 && at.y + size.height <= 8);
          assertEquals(cell, { row: Math.floor(id / 4), column: id % 4 });
        }
      }
      const last = turns.at(-1)!;
      assertEquals(
        last.sent.bytes,
        last.sent.glanceBytes + last.sent.patches.reduce((sum, { bytes }) => sum + bytes, 0),
      );
    }
  });
});

Deno.test("classify() of a file counts its own bytes as the whole", async () => {
  await withEdge({}, async ({ client }) => {
    const bytes = await encode(pictureOf("x", 320, 200), { type: "image/jpeg", quality: 90 });
    const result = await client.classify(file(new Blob([bytes])), { model: "tiny" });
    assertEquals(result.wholeBytes, bytes.length);
    assertEquals(result.savedBytes, bytes.length - result.bytes);
    assertEquals(result.patchesTotal, 16);
    assertEquals(result.fetched.length, result.patches);
    assertAlmostEquals(result.pixelShare, (64 + 64 * result.patches) / (320 * 200), 1e-9);
  });
});

Deno.test("classify() keeps budgets of patches, turns and bytes", async () => {
  await withEdge({ bundles: [{ levels: [0] }] }, async ({ client }) => {
    const source = picture(pictureOf("x"));
    const none = await client.classify(source, { model: "tiny", budget: { turns: 0 } });
    assertEquals([none.patches, none.turns, none.because], [0, 0, "budget"]);
    const three = await client.classify(source, { model: "tiny", budget: { patches: 3 } });
    assertEquals([three.patches, three.turns, three.because], [3, 1, "exhausted"]);
    const bytes = none.bytes + 600;
    const some = await client.classify(source, { model: "tiny", budget: { bytes } });
    assert(some.bytes <= bytes && some.patches > 0 && some.patches < 16, `${some.bytes} ${some.patches}`);
    const sure = await client.classify(source, { model: "tiny", budget: { confidence: 0.01 } });
    assertEquals([sure.patches, sure.because], [0, "confident"]);
  });
});

Deno.test("classify() uses the operating point and the version it is asked for", async () => {
  const bundles = [{ version: 1, seed: 1 }, { version: 12, seed: 2 }, { version: 3, seed: 3 }];
  await withEdge({ bundles }, async ({ client }) => {
    const source = picture(pictureOf("x"));
    assertEquals((await client.classify(source, { model: "tiny" })).version, 12);
    assertEquals((await client.classify(source, { model: "tiny", version: 3 })).version, 3);
    const patient = await client.classify(source, { model: "tiny", version: 1, point: "patient" });
    assertEquals(patient.patches, 16);
    assertEquals(await client.models(), [
      { model: "tiny", version: 12, versions: [1, 3, 12], title: "Random weights, canvas" },
    ]);
  });
});

Deno.test("classify() goes on with the patches it could get, none included", async () => {
  await withEdge({ bundles: [{ levels: [0] }] }, async ({ client }) => {
    const whole = picture(pictureOf("x"));
    const broken = (isLost: (id: number) => boolean): Source => ({
      ...whole,
      patch: (patch) => isLost(patch.id) ? Promise.reject(new Error("no connection")) : whole.patch(patch),
    });
    const half = await client.classify(broken((id) => id % 2 === 0), { model: "tiny" });
    assertEquals(half.fetched.map(({ id }) => id).sort((a, b) => a - b), [1, 3, 5, 7, 9, 11, 13, 15]);
    const nothing = await client.classify(broken(() => true), { model: "tiny" });
    const glance = await client.classify(whole, { model: "tiny", budget: { patches: 0 } });
    assertEquals([nothing.label, nothing.confidence], [glance.label, glance.confidence]);
  });
});

Deno.test("classify() falls back to the glance answer when the edge is gone, and says so", async () => {
  await withEdge({ bundles: [{ levels: [0] }] }, async ({ service }) => {
    const { connect } = await import("../../client/mod.ts");
    let calls = 0;
    const flaky = connect("http://edge.test", {
      fetch: (request) => {
        if (request.url.endsWith("/focus")) return Promise.reject(new TypeError("connection lost"));
        calls += 1;
        return service.app.request(request);
      },
    });
    const result = await flaky.classify(picture(pictureOf("x")), { model: "tiny" });
    assertEquals([result.because, result.patches, result.turns, calls], ["unreachable", 0, 0, 2]);
    assert(result.confidence > 0);
    const dead = connect("http://edge.test", { fetch: () => Promise.reject(new TypeError("no route")) });
    const error = await assertRejects(
      () => dead.classify(picture(pictureOf("x")), { model: "tiny" }),
      ProtocolError,
    );
    assertEquals(error.code, "edge-unreachable");
  });
});

Deno.test("look() ends with the reason of its signal", async () => {
  await withEdge({ bundles: [{ levels: [0] }] }, async ({ client }) => {
    const abort = new AbortController();
    const looking = client.look(picture(pictureOf("x")), { model: "tiny", signal: abort.signal });
    await looking.next();
    abort.abort(new RangeError("enough"));
    await assertRejects(() => looking.next(), RangeError, "enough");
  });
});

Deno.test("a glance may be a plain body with its options in the query", async () => {
  await withEdge({ bundles: [{ levels: [0] }] }, async ({ send, client }) => {
    const pixels = pictureOf("x", 64, 48);
    const body = await encode(pixels, { type: "image/png" });
    const response = await send("/v1/models/tiny/glance?budget.patches=2&top=2", {
      method: "POST",
      body,
      headers: { "content-type": "image/png" },
    });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("cache-control"), "no-store");
    const turn = await response.json();
    assertEquals([turn.belief.top.length, turn.plan.length, turn.bytes.received], [2, 2, body.length]);
    // The server made the glance of the picture itself: the client's own glance leads to the same plan.
    const looking = client.look(picture(pixels), { model: "tiny", budget: { patches: 2 } });
    const value = (await looking.next()).value as Extract<Look, { stop: false }>;
    assertEquals(value.plan, turn.plan);
    assertEquals(value.belief.top.slice(0, 2), turn.belief.top);
  });
});

Deno.test("many classifications at once answer as each does alone", async () => {
  await withEdge({ bundles: [{ reading: "patches", levels: [0.5, 0.3] }] }, async ({ client }) => {
    const sources = Array.from({ length: 12 }, (_, i) => picture(pictureOf(`p${i}`, 48, 48)));
    const together = await Promise.all(sources.map((source) => client.classify(source, { model: "tiny" })));
    for (const [i, source] of sources.entries()) {
      const alone = await client.classify(source, { model: "tiny" });
      assertEquals([together[i]!.label, together[i]!.patches], [alone.label, alone.patches]);
      assertAlmostEquals(together[i]!.confidence, alone.confidence, 1e-5);
    }
  });
});
