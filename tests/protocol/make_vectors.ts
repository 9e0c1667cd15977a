/**
 * Writes the vectors: `deno run -A tests/protocol/make_vectors.ts`. Secrets, vectors of initialisation and clocks are fixed, so
 * the same code writes the same bytes; an implementation in another language tests itself against them.
 *
 * @module
 */
import {
  keyRing,
  type Memory,
  PROBLEMS,
  ProtocolError,
  sealState,
  toBase64Url,
  toProblem,
} from "../../serve/protocol/mod.ts";
import { turnBase, wirePlan } from "../../serve/engine/turns.ts";
import { TURN_CASES } from "./turn_cases.ts";

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const OLDER = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const STRANGE = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
const IV = Uint8Array.from({ length: 12 }, (_, i) => 16 + i);
const ISSUED = Date.UTC(2026, 0, 2, 3, 4, 5);
const BINDING = { model: "scenes", version: 3, weightHash: "0123456789abcdef".repeat(4) };
const METHOD = Uint8Array.from({ length: 40 }, (_, i) => (37 * i) & 255);
const MEMORY: Memory = {
  issued: ISSUED,
  expires: ISSUED + 600_000,
  turn: 0,
  point: "usual",
  top: 5,
  picture: { width: 1024, height: 768 },
  budget: { patches: 4, bytes: 60_000, confidence: 0.9 },
  cost: { bytesPerRequest: 600, bytesPerPixel: 0.2 },
  spent: { patches: 0, bytes: 2_345, turns: 0 },
  plan: [
    { id: 5, box: { x: 112, y: 112, w: 160, h: 160 }, size: { width: 160, height: 160 } },
    { id: 0, box: { x: 0, y: 0, w: 160, h: 160 }, size: { width: 160, height: 160 } },
  ],
};

const seal = async (secret: Uint8Array, binding = BINDING): Promise<string> =>
  await sealState(await keyRing([secret]), binding, { memory: MEMORY, method: METHOD }, IV);

/** A text with one bit of one byte changed. */
function flipped(text: string, at: number): string {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  return toBase64Url(bytes);
}

const sealed = await seal(SECRET);
const states = {
  secrets: [SECRET, OLDER].map(toBase64Url),
  iv: toBase64Url(IV),
  binding: BINDING,
  memory: MEMORY,
  method: toBase64Url(METHOD),
  cases: [
    { name: "sealed with the newest key", state: sealed, now: ISSUED + 1_000 },
    { name: "sealed with an older key", state: await seal(OLDER), now: ISSUED + 599_999 },
    { name: "expired", state: sealed, now: ISSUED + 600_000, problem: "state-expired" },
    {
      name: "sealed with a key nobody has",
      state: await seal(STRANGE),
      now: ISSUED,
      problem: "state-invalid",
    },
    { name: "another format", state: flipped(sealed, 0), now: ISSUED, problem: "state-invalid" },
    { name: "another key id", state: flipped(sealed, 1), now: ISSUED, problem: "state-invalid" },
    { name: "another version", state: flipped(sealed, 9), now: ISSUED, problem: "state-invalid" },
    {
      name: "another initialisation vector",
      state: flipped(sealed, 13),
      now: ISSUED,
      problem: "state-invalid",
    },
    { name: "another ciphertext", state: flipped(sealed, 30), now: ISSUED, problem: "state-invalid" },
    { name: "another tag", state: flipped(sealed, -1), now: ISSUED, problem: "state-invalid" },
    { name: "cut short", state: sealed.slice(0, -8), now: ISSUED, problem: "state-invalid" },
    { name: "not base64url", state: `${sealed}=`, now: ISSUED, problem: "state-invalid" },
    {
      name: "another model",
      state: await seal(SECRET, { ...BINDING, model: "other" }),
      now: ISSUED,
      problem: "state-invalid",
    },
    {
      name: "other weights",
      state: await seal(SECRET, { ...BINDING, weightHash: "f".repeat(64) }),
      now: ISSUED,
      problem: "state-invalid",
    },
  ],
};

const turns = TURN_CASES.map(({ name, belief, plan, view, context, because }) => ({
  name,
  turn: plan.length > 0
    ? { ...turnBase(belief, context), stop: false, plan: wirePlan(plan, view, context), state: "AAAA" }
    : { ...turnBase(belief, context), stop: true, because },
}));

const details: { readonly [code: string]: object } = {
  "state-expired": { ageSeconds: 700, maxAgeSeconds: 600 },
  "patch-unexpected": { patch: 3, planned: [1, 2] },
  "overloaded": { retryAfterSeconds: 1 },
};
const problems = Object.keys(PROBLEMS).map((code) => {
  const error = new ProtocolError(
    code as "internal",
    (details[code] ?? {}) as Record<string, never>,
    `Cannot do it: ${code}`,
  );
  return toProblem(error, { base: "https://edge.example/problems/", instance: "urn:saccade:request:1" });
});

const queries = [
  { query: "", request: { budget: {}, top: 5 } },
  {
    query:
      "picture.width=640&picture.height=480&budget.patches=4&budget.bytes=60000&budget.turns=2&budget.confidence=0.9",
    request: {
      picture: { width: 640, height: 480 },
      budget: { patches: 4, bytes: 60_000, turns: 2, confidence: 0.9 },
      top: 5,
    },
  },
  {
    query: "cost.bytesPerRequest=100&cost.bytesPerPixel=0.5&point=patient&top=1",
    request: { budget: {}, cost: { bytesPerRequest: 100, bytesPerPixel: 0.5 }, point: "patient", top: 1 },
  },
  { query: "budget.patches=-1", problem: "option-invalid" },
  { query: "budget.patches=1.5", problem: "option-invalid" },
  { query: "budget.confidence=0", problem: "option-invalid" },
  { query: "picture.width=640", problem: "option-invalid" },
  { query: "top=1&top=2", problem: "option-invalid" },
  { query: "budget=1", problem: "option-invalid" },
  { query: "unknown=1", problem: "option-invalid" },
];

/** Every vector file by name. */
export const VECTORS: { readonly [file: string]: unknown } = { states, turns, problems, queries };

if (import.meta.main) {
  for (const [name, value] of Object.entries(VECTORS)) {
    const path = new URL(`vectors/${name}.json`, import.meta.url);
    await Deno.writeTextFile(path, JSON.stringify(value, null, 2) + "\n");
  }
}
