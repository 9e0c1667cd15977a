import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { stream } from "../../core/random.ts";
import {
  fromBase64Url,
  fromProblem,
  keyRing,
  type Memory,
  openState,
  parseSecrets,
  PROBLEM_TYPE,
  PROBLEMS,
  ProtocolError,
  readGlanceQuery,
  readTurn,
  sealState,
  toBase64Url,
  versionOfState,
  writeGlanceQuery,
} from "../../serve/protocol/mod.ts";
import { connect, picture } from "../../client/mod.ts";
import { raster } from "../../core/image/mod.ts";
import { withEdge } from "../support/edge.ts";
import { VECTORS } from "./make_vectors.ts";

// deno-lint-ignore no-explicit-any -- vectors are checked by what is tested
async function vectors(name: string): Promise<any> {
  return JSON.parse(await Deno.readTextFile(new URL(`vectors/${name}.json`, import.meta.url)));
}

const states = await vectors("states");
const ring = await keyRing(parseSecrets(states.secrets.join(",")));
const open = (state: string, now: number, binding = states.binding) =>
  openState(ring, binding, state, { now });

Deno.test("the code still writes the vectors that are stored", async () => {
  for (const [name, value] of Object.entries(VECTORS)) {
    assertEquals(JSON.parse(JSON.stringify(value)), await vectors(name), name);
  }
});

Deno.test("sealState() writes the bytes of the vectors", async () => {
  const memory = states.memory as Memory;
  const method = fromBase64Url(states.method)!;
  const sealed = await sealState(ring, states.binding, { memory, method }, fromBase64Url(states.iv)!);
  assertEquals(sealed, states.cases[0].state);
  assertEquals(versionOfState(sealed), states.binding.version);
});

for (const { name, state, now, problem } of states.cases) {
  Deno.test(`openState() ${problem === undefined ? "opens" : "refuses"} a state: ${name}`, async () => {
    if (problem === undefined) {
      const { memory, method } = await open(state, now);
      assertEquals([memory, toBase64Url(method)], [states.memory, states.method]);
    } else {
      const error = await assertRejects(() => open(state, now), ProtocolError);
      assertEquals(error.code, problem);
    }
  });
}

Deno.test("openState() refuses every state with one bit changed, and never fails in another way", async () => {
  const bytes = fromBase64Url(states.cases[0].state)!;
  for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const error = await assertRejects(() => open(toBase64Url(changed), states.memory.issued), ProtocolError);
    assertEquals(error.code, "state-invalid");
  }
});

Deno.test("openState() refuses random bytes and random text, and never fails in another way", async () => {
  const random = stream(1, "fuzz");
  for (let i = 0; i < 500; i++) {
    const bytes = Uint8Array.from({ length: Math.floor(300 * random()) }, () => Math.floor(256 * random()));
    // Half of them begin like a state of a key we have.
    if (i % 2 === 0) bytes.set(fromBase64Url(states.cases[0].state)!.subarray(0, Math.min(9, bytes.length)));
    const text = i % 5 === 0 ? new TextDecoder("latin1").decode(bytes) : toBase64Url(bytes);
    const error = await assertRejects(() => open(text, 0), ProtocolError);
    assertEquals(error.code, "state-invalid");
  }
});

Deno.test("the edge answers every refused state of the vectors with its problem", async () => {
  await withEdge({ keys: ring }, async ({ send }) => {
    for (const { state, problem } of states.cases) {
      if (problem !== "state-invalid") continue;
      const body = new FormData();
      body.set("state", state);
      const response = await send("/v1/models/tiny/focus", { method: "POST", body });
      assert([400, 410].includes(response.status) && response.headers.get("content-type") === PROBLEM_TYPE);
    }
  });
});

Deno.test("readTurn() reads the turns of the vectors and refuses what is not a turn", async () => {
  for (const { turn } of await vectors("turns")) {
    assertEquals(readTurn(turn, "u") as unknown, turn);
    assertEquals(readTurn({ ...turn, later: "member" }, "u") as unknown, turn);
    for (const member of Object.keys(turn)) {
      const { [member]: _, ...rest } = turn;
      const error = assertThrows(() => readTurn(rest, "u"), ProtocolError);
      assertEquals(error.code, "answer-malformed");
    }
  }
});

Deno.test("fromProblem() gives back the failure of every document, and every code has one", async () => {
  const documents = await vectors("problems");
  assertEquals(documents.length, Object.keys(PROBLEMS).length);
  for (const document of documents) {
    const error = fromProblem(document)!;
    assertEquals([error.message, PROBLEMS[error.code].status], [document.detail, document.status]);
    for (const [fact, value] of Object.entries(error.details)) assertEquals(value, document[fact]);
  }
  for (const other of [null, 5, {}, { type: "about:blank" }, { type: "https://x/problems/toString" }]) {
    assertEquals(fromProblem(other), undefined);
  }
});

Deno.test("the client throws the failures of the vectors with their codes and facts", async () => {
  for (const document of await vectors("problems")) {
    const client = connect("http://edge.test", {
      fetch: () =>
        new Response(JSON.stringify(document), {
          status: document.status,
          headers: { "content-type": PROBLEM_TYPE },
        }),
    });
    const error = await assertRejects(
      () => client.classify(picture(raster(8, 8)), { model: "x" }),
      ProtocolError,
    );
    assertEquals([document.type.endsWith(`/${error.code}`), error.message], [true, document.detail]);
  }
});

Deno.test("the client calls an answer that is not of the protocol by its name", async () => {
  const answers = [
    new Response("<html>", { status: 200 }),
    new Response("{}", { status: 200 }),
    new Response("bad gateway", { status: 502 }),
    new Response('{"type":"about:blank"}', { status: 500, headers: { "content-type": PROBLEM_TYPE } }),
  ];
  for (const answer of answers) {
    const client = connect("http://edge.test", { fetch: () => answer });
    const error = await assertRejects(() => client.card("x"), ProtocolError);
    assertEquals(error.code, "answer-malformed");
  }
});

Deno.test("readGlanceQuery() and writeGlanceQuery() agree with the vectors", async () => {
  for (const { query, request, problem } of await vectors("queries")) {
    if (problem === undefined) {
      assertEquals(readGlanceQuery(new URLSearchParams(query)) as unknown, request);
      assertEquals(readGlanceQuery(writeGlanceQuery(request)) as unknown, request);
    } else {
      const error = assertThrows(() => readGlanceQuery(new URLSearchParams(query)), ProtocolError);
      assertEquals(error.code, problem);
    }
  }
});

Deno.test("every problem has a page, every page a problem, and the edge serves it", async () => {
  const folder = new URL("../../docs/problems/", import.meta.url);
  const pages = [...Deno.readDirSync(folder)].map(({ name }) => name.replace(/\.md$/, "")).sort();
  assertEquals(pages, Object.keys(PROBLEMS).sort());
  const problemPage = (code: string) => Deno.readTextFile(new URL(`${code}.md`, folder));
  await withEdge({ problemPage }, async ({ send }) => {
    for (const code of pages) {
      const response = await send(`/problems/${code}`);
      assertEquals(response.headers.get("content-type"), "text/markdown; charset=utf-8");
      assert(
        (await response.text()).startsWith(`# ${PROBLEMS[code as keyof typeof PROBLEMS].title}\n`),
        code,
      );
    }
  });
});

Deno.test("parseSecrets() never repeats a secret it refuses", () => {
  const secret = "A".repeat(42);
  const error = assertThrows(() => parseSecrets(secret), SyntaxError);
  assert(!error.message.includes(secret));
});
