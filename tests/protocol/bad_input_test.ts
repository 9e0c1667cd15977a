import { assert, assertEquals, assertMatch } from "@std/assert/mod.js";
import { encode, raster } from "../../core/image/mod.ts";
import { tensor } from "../../core/tensor.ts";
import type { Hono } from "hono";
import { keyRing, type LookTurn, PROBLEMS, writeFocusForm } from "../../serve/protocol/mod.ts";
import type { RequestState } from "../../serve/transport/mod.ts";
import { problemOf, type TestEdge, type TestEdgeOptions, withEdge } from "../support/edge.ts";
import { tinyFiles } from "../support/tiny_bundle.ts";

const PNG = { "content-type": "image/png" };
const GLANCE = await encode(raster(8, 8), { type: "image/png" });
const PATCH = new Blob([await encode(raster(8, 8), { type: "image/png" })], { type: "image/png" });
const ALL_CELLS = { bundles: [{ levels: [0] }] };

const post = (body: BodyInit, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  body,
  headers,
});

/** A first turn that asks for every cell. */
async function begin({ send }: TestEdge, model = "tiny"): Promise<LookTurn> {
  const response = await send(`/v1/models/${model}/glance`, post(GLANCE, PNG));
  assertEquals(response.status, 200, await response.clone().text());
  return await response.json();
}

const focus = (
  edge: TestEdge,
  state: string,
  patches: ReadonlyMap<number, Blob> = new Map(),
  model = "tiny",
) => edge.send(`/v1/models/${model}/focus`, post(writeFocusForm(state, patches)));

/** Checks the problem of an answer, then that a good request is answered. */
async function refuses(
  edge: TestEdge,
  response: Response,
  code: keyof typeof PROBLEMS,
  facts: Record<string, unknown> = {},
): Promise<void> {
  const problem = await problemOf(response);
  assertEquals(problem.type, `http://edge.test/problems/${code}`, problem.detail);
  assertEquals([response.status, problem.status, problem.title], [
    PROBLEMS[code].status,
    PROBLEMS[code].status,
    PROBLEMS[code].title,
  ]);
  assertEquals(Object.fromEntries(Object.keys(facts).map((fact) => [fact, problem[fact]])), facts);
  assertMatch(problem.detail, /^Cannot .*[^.]$/s);
  assertEquals(problem.instance, `urn:saccade:request:${response.headers.get("x-request-id")}`);
  assertEquals(response.headers.get("retry-after"), problem.status === 503 ? "1" : null);
  await begin(edge);
}

function refused(name: string, options: TestEdgeOptions, test: (edge: TestEdge) => Promise<void>): void {
  Deno.test(`the edge refuses ${name} and goes on`, () => withEdge(options, test));
}

refused("a truncated picture", {}, async (edge) => {
  for (const type of ["image/png", "image/jpeg", "image/webp"] as const) {
    const bytes = await encode(raster(64, 64), { type });
    for (const length of [13, 40, bytes.length - 12]) {
      const response = await edge.send(
        "/v1/models/tiny/glance",
        post(bytes.slice(0, length), { "content-type": type }),
      );
      await refuses(edge, response, "image-unreadable", { part: "glance" });
    }
  }
});

refused("a picture whose header says 30,000 x 30,000", {}, async (edge) => {
  const bytes = GLANCE.slice();
  new DataView(bytes.buffer).setUint32(16, 30_000);
  new DataView(bytes.buffer).setUint32(20, 30_000);
  const response = await edge.send("/v1/models/tiny/glance", post(bytes, PNG));
  await refuses(edge, response, "image-too-large", { width: 30_000, height: 30_000, maxSidePx: 16_384 });
});

refused("something that is no picture", {}, async (edge) => {
  const text = await edge.send("/v1/models/tiny/glance", post("hello", { "content-type": "text/plain" }));
  await refuses(edge, text, "media-type-unsupported", { part: "body", found: "text/plain" });
  const gif = new TextEncoder().encode("GIF89a\x20\x00\x20\x00\x80\x00\x00aaaaaaaaaaaaaaaaaaaa");
  await refuses(edge, await edge.send("/v1/models/tiny/glance", post(gif, PNG)), "media-type-unsupported", {
    part: "glance",
  });
  const form = new FormData();
  form.set("glance", new Blob([GLANCE], { type: "image/gif" }), "glance");
  await refuses(edge, await edge.send("/v1/models/tiny/glance", post(form)), "media-type-unsupported", {
    part: "glance",
    found: "image/gif",
  });
  await refuses(
    edge,
    await edge.send("/v1/models/tiny/glance", { method: "POST" }),
    "media-type-unsupported",
  );
  await refuses(edge, await edge.send("/v1/models/tiny/glance", post("", PNG)), "part-missing", {
    part: "body",
  });
});

refused("a state that was changed", ALL_CELLS, async (edge) => {
  const { state } = await begin(edge);
  const swapped = (at: number) => state.slice(0, at) + (state[at] === "A" ? "B" : "A") + state.slice(at + 1);
  for (const at of [0, 3, 20, 40, Math.floor(state.length / 2), state.length - 2]) {
    const code = await problemOf(await focus(edge, swapped(at)));
    assert(/state-(invalid|stale)$/.test(code.type), code.type);
  }
  await refuses(edge, await focus(edge, swapped(50)), "state-invalid");
  for (const wrong of ["", "!", "AAAA", state.slice(0, -8), `${state}AAAA`, "A".repeat(100_000)]) {
    await refuses(edge, await focus(edge, wrong), "state-invalid");
  }
});

refused("a state of another server", ALL_CELLS, async (edge) => {
  await withEdge({ ...ALL_CELLS, keys: await keyRing([new Uint8Array(32).fill(9)]) }, async (other) => {
    await refuses(edge, await focus(edge, (await begin(other)).state), "state-invalid");
  });
});

refused("a state of other weights or another model", {
  bundles: [{ levels: [0] }, { id: "other", levels: [0] }],
}, async (edge) => {
  const { state } = await begin(edge);
  await refuses(edge, await focus(edge, state, new Map(), "other"), "state-invalid");
  await withEdge({ bundles: [{ levels: [0], seed: 8 }] }, async (retrained) => {
    await refuses(retrained, await focus(retrained, state), "state-invalid");
  });
});

refused("a state of a version that is gone", { bundles: [{ levels: [0], version: 2 }] }, async (edge) => {
  await withEdge(ALL_CELLS, async (old) => {
    await refuses(edge, await focus(edge, (await begin(old)).state), "state-stale", { version: 1 });
  });
});

refused("a state that is too old", ALL_CELLS, async (edge) => {
  const { state } = await begin(edge);
  edge.wait(599_000);
  assertEquals((await focus(edge, state)).status, 200);
  edge.wait(1_000);
  await refuses(edge, await focus(edge, state), "state-expired", { ageSeconds: 600, maxAgeSeconds: 600 });
});

refused("patches that were not asked for", { bundles: [{ levels: [0] }] }, async (edge) => {
  const response = await edge.send("/v1/models/tiny/glance?budget.patches=2", post(GLANCE, PNG));
  const { state, plan }: LookTurn = await response.json();
  const planned = plan.map(({ id }) => id);
  const stranger = [0, 1, 2].find((id) => !planned.includes(id))!;
  for (const patch of [stranger, 16, 99_999]) {
    await refuses(edge, await focus(edge, state, new Map([[patch, PATCH]])), "patch-unexpected", {
      patch,
      planned,
    });
  }
  // A state may be used again: what was refused has not spent it.
  const seen = new Map(planned.map((id) => [id, PATCH]));
  assertEquals((await focus(edge, state, seen)).status, 200);
});

refused("a patch of the wrong size", ALL_CELLS, async (edge) => {
  const { state } = await begin(edge);
  const large = new Blob([await encode(raster(9, 8), { type: "image/png" })], { type: "image/png" });
  await refuses(edge, await focus(edge, state, new Map([[0, large]])), "patch-size-mismatch", {
    patch: 0,
    width: 9,
    height: 8,
    expectedWidth: 8,
    expectedHeight: 8,
  });
});

refused("a damaged patch among good ones", ALL_CELLS, async (edge) => {
  const { state } = await begin(edge);
  const damaged = PATCH.slice(0, PATCH.size - 20, "image/png");
  const response = await focus(edge, state, new Map([[0, PATCH], [5, damaged], [6, PATCH]]));
  await refuses(edge, response, "image-unreadable", { part: "patch-5" });
});

refused("models and versions it does not have", {}, async (edge) => {
  await refuses(edge, await edge.send("/v1/models/nobody"), "model-unknown", { model: "nobody" });
  await refuses(edge, await edge.send("/v1/models/nobody/glance", post(GLANCE, PNG)), "model-unknown");
  await refuses(edge, await focus(edge, "AAAA", new Map(), "nobody"), "model-unknown");
  await refuses(edge, await edge.send("/v1/models/__proto__"), "model-unknown");
  await refuses(edge, await edge.send("/v1/models/tiny/versions/2"), "version-unknown", { versions: [1] });
  const glance = await edge.send("/v1/models/tiny/versions/latest/glance", post(GLANCE, PNG));
  await refuses(edge, glance, "version-unknown", { version: "latest" });
});

Deno.test("the edge leaves out bundles that are damaged or half written and serves the others", async () => {
  const broken = await tinyFiles({ id: "broken" });
  const damaged = broken.get("policy.onnx")!.slice();
  damaged[100]! ^= 1;
  const extra: Record<string, Uint8Array> = {
    "half/1/policy.onnx": damaged,
    "broken/1/policy.onnx": damaged,
    "tiny/2/manifest.json": new TextEncoder().encode('{"format":'),
    "tiny/.3/manifest.json": broken.get("manifest.json")!,
    "tiny/4.tmp/manifest.json": broken.get("manifest.json")!,
    "wrong-name/1/manifest.json": broken.get("manifest.json")!,
    ".hidden/1/manifest.json": broken.get("manifest.json")!,
    "writing.tmp/1/manifest.json": broken.get("manifest.json")!,
  };
  for (const [file, bytes] of broken) {
    extra[`broken/1/${file}`] ??= bytes;
    extra[`wrong-name/1/${file}`] ??= bytes;
  }
  await withEdge({ extra }, async (edge) => {
    await refuses(edge, await edge.send("/v1/models/broken"), "bundle-corrupt", { model: "broken" });
    await refuses(edge, await edge.send("/v1/models/half/glance", post(GLANCE, PNG)), "bundle-corrupt");
    await refuses(edge, await edge.send("/v1/models/wrong-name"), "bundle-corrupt");
    await refuses(edge, await edge.send("/v1/models/tiny/versions/2"), "bundle-corrupt", { model: "tiny" });
    await refuses(edge, await edge.send("/v1/models/.hidden"), "model-unknown");
    assertEquals((await (await edge.send("/v1/models/tiny")).json()).versions, [1]);
    const ready = await (await edge.send("/readyz")).json();
    assertEquals(ready.models, [{ model: "tiny", versions: [1] }]);
    assertEquals(
      ready.faults.map(({ model, version }: { model: string; version: number }) => `${model}/${version}`),
      [
        "broken/1",
        "half/1",
        "tiny/2",
        "wrong-name/1",
      ],
    );
    assertMatch(ready.faults[0].reason, /policy.onnx has sha256/);
    assertMatch(ready.faults[1].reason, /manifest.json cannot be read/);
  });
});

Deno.test("the edge leaves out a bundle whose networks do not give the golden arrays", async () => {
  const golden = [{
    network: "policy",
    inputs: { glance: tensor([1, 8, 8, 3]) },
    outputs: { logits: tensor([1, 16], new Float32Array(16).fill(5)) },
  }];
  await withEdge({ bundles: [{ id: "wrong", golden }, {}] }, async (edge) => {
    await refuses(edge, await edge.send("/v1/models/wrong"), "bundle-corrupt", { model: "wrong" });
    const { faults } = await (await edge.send("/readyz")).json();
    assertMatch(faults[0].reason, /Cannot trust "policy"/);
  });
});

Deno.test("the edge leaves out a bundle whose networks the runtime refuses", async () => {
  const { createMachine, fakeRuntime } = await import("../../serve/runtime/mod.ts");
  const machine = createMachine(fakeRuntime(() => {
    throw new SyntaxError("Cannot load model: it is not one");
  }));
  await withEdge({ machine }, async (edge) => {
    const problem = await problemOf(await edge.send("/readyz"));
    assertEquals([problem.status, problem.reason], [503, "there is no model that can be used"]);
    assertMatch((await problemOf(await edge.send("/v1/models/tiny"))).type, /bundle-corrupt$/);
  });
});

refused("a body that is too long", { limits: { maxBodyBytes: 5_000 } }, async (edge) => {
  const long = new Uint8Array(5_001);
  await refuses(edge, await edge.send("/v1/models/tiny/glance", post(long, PNG)), "body-too-large", {
    maxBytes: 5_000,
  });
  // Without a declared length it is cut off while it comes.
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1_000)),
  });
  const init = { ...post(stream, PNG), duplex: "half" } as RequestInit;
  await refuses(edge, await edge.send("/v1/models/tiny/glance", init), "body-too-large");
  const lying = post(GLANCE, { ...PNG, "content-length": "99999" });
  await refuses(edge, await edge.send("/v1/models/tiny/glance", lying), "body-too-large");
});

refused("forms and options it cannot read", {}, async (edge) => {
  const glance = (fill: (form: FormData) => void, path = "/v1/models/tiny/glance") => {
    const form = new FormData();
    form.set("glance", new Blob([GLANCE], { type: "image/png" }), "glance");
    fill(form);
    return edge.send(path, post(form));
  };
  await refuses(edge, await glance((form) => form.set("request", "{picture:")), "body-malformed", {
    part: "request",
  });
  await refuses(edge, await glance((form) => form.set("extra", "1")), "part-unknown", { part: "extra" });
  await refuses(edge, await glance((form) => form.delete("glance")), "part-missing", { part: "glance" });
  await refuses(edge, await glance((form) => form.append("glance", PATCH, "glance")), "body-malformed");
  const wrong: [string, string][] = [
    ['{"budget":{"patches":-1}}', "budget.patches"],
    ['{"budget":{"byte":1}}', "budget"],
    ['{"picture":{"width":1e9,"height":1}}', "picture.width"],
    ['{"top":0}', "top"],
    ['{"cost":{"bytesPerPixel":1}}', "cost.bytesPerRequest"],
    ["[]", "request"],
    ["null", "request"],
  ];
  for (const [request, option] of wrong) {
    await refuses(edge, await glance((form) => form.set("request", request)), "option-invalid", { option });
  }
  await refuses(edge, await glance((form) => form.set("request", '{"point":"no"}')), "point-unknown", {
    points: ["usual", "patient"],
  });
  await refuses(edge, await glance(() => {}, "/v1/models/tiny/glance?top=1"), "option-invalid", {
    option: "top",
  });
  for (
    const query of ["budget.patches=x", "budget.patches=1e3", "nonsense=1", "top=1&top=2", "picture.width=5"]
  ) {
    await refuses(
      edge,
      await edge.send(`/v1/models/tiny/glance?${query}`, post(GLANCE, PNG)),
      "option-invalid",
    );
  }
  const form = { "content-type": "multipart/form-data; boundary=x" };
  const head = '--x\r\ncontent-disposition: form-data; name="state"\r\n\r\nAAAA\r\n';
  for (const body of ["", "--x", "no boundary at all", "--x\r\n\r\n", head, `${head}--x`, `${head}--y--`]) {
    await refuses(edge, await edge.send("/v1/models/tiny/focus", post(body, form)), "body-malformed", {
      part: "body",
    });
  }
  const json = post("{}", { "content-type": "application/json" });
  await refuses(edge, await edge.send("/v1/models/tiny/focus", json), "media-type-unsupported", {
    part: "body",
  });
  const parts = new FormData();
  parts.set("state", "AAAA");
  parts.set("patch-01", PATCH, "x");
  await refuses(edge, await edge.send("/v1/models/tiny/focus", post(parts)), "part-unknown", {
    part: "patch-01",
  });
  parts.delete("patch-01");
  parts.delete("state");
  parts.set("patch-1", PATCH, "x");
  await refuses(edge, await edge.send("/v1/models/tiny/focus", post(parts)), "part-missing", {
    part: "state",
  });
});

refused("addresses and methods it does not have", {}, async (edge) => {
  await refuses(edge, await edge.send("/nothing"), "not-found", { path: "/nothing" });
  await refuses(edge, await edge.send("/problems/nothing"), "not-found");
  const response = await edge.send("/v1/models", { method: "DELETE" });
  assertEquals(response.headers.get("allow"), "GET, HEAD, OPTIONS");
  await refuses(edge, response, "method-not-allowed", { method: "DELETE" });
  await refuses(edge, await edge.send("/v1/models/tiny/glance"), "method-not-allowed", {
    allowed: ["POST", "OPTIONS"],
  });
});

Deno.test("the edge tells nothing of a bug but the name it has in the log", async () => {
  const { createMachine, fakeRuntime } = await import("../../serve/runtime/mod.ts");
  const machine = createMachine(fakeRuntime(() => ({
    inputs: [],
    outputs: [],
    run: () => ({}),
  })));
  machine.run = () => Promise.reject(new Error("secret of the house"));
  await withEdge({ machine }, async ({ send, log }) => {
    const response = await send("/v1/models/tiny/glance", post(GLANCE, PNG));
    const problem = await problemOf(response);
    assertEquals(response.status, 500);
    assert(!JSON.stringify(problem).includes("secret"));
    assertEquals(problem.instance, `urn:saccade:request:${log.at(-1)!.id}`);
    assertEquals((log.at(-1)!.error as Error).message, "secret of the house");
  });
});

Deno.test("the edge answers while it loads and after it is told to stop", async () => {
  await withEdge({}, async ({ service, send }) => {
    assertEquals((await send("/readyz")).status, 200);
    service.stop();
    assertEquals((await problemOf(await send("/readyz"))).reason, "it is stopping");
    assertEquals((await send("/v1/models/tiny/glance", post(GLANCE, PNG))).status, 200);
    assertEquals((await send("/livez")).status, 200);
  });
  const { createService } = await import("../../serve/mod.ts");
  const { createMachine, fakeRuntime } = await import("../../serve/runtime/mod.ts");
  const gate = Promise.withResolvers<string[]>();
  const { app, loaded }: { app: Hono<RequestState>; loaded: Promise<void> } = await createService({
    files: { folders: () => gate.promise, read: () => Promise.reject(new Error("none")) },
    machine: createMachine(fakeRuntime(() => ({ inputs: [], outputs: [], run: () => ({}) }))),
  });
  for (const path of ["/readyz", "/v1/models"]) {
    assertMatch((await problemOf(await app.request(`http://edge.test${path}`))).type, /not-ready$/);
  }
  assertEquals((await app.request("http://edge.test/livez")).status, 200);
  gate.resolve([]);
  await loaded;
  assertEquals((await app.request("http://edge.test/v1/models")).status, 200);
});

Deno.test("the edge lets pages of other origins in and lets them read what they need", async () => {
  await withEdge({}, async ({ send }) => {
    const asked = await send("/v1/models/tiny/glance", {
      method: "OPTIONS",
      headers: { origin: "https://page.test", "access-control-request-method": "POST" },
    });
    assertEquals([asked.status, asked.headers.get("access-control-allow-origin")], [204, "*"]);
    const response = await send("/v1/models/tiny/glance", post(GLANCE, { ...PNG, "x-request-id": "mine-1" }));
    assertEquals(response.headers.get("x-request-id"), "mine-1");
    assertMatch(
      response.headers.get("server-timing")!,
      /^wait;dur=[\d.]+, decode;dur=.*, think;dur=.*, total;dur=/,
    );
    assertMatch(response.headers.get("access-control-expose-headers")!, /Server-Timing/);
  });
});
