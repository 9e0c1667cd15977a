/** The list of cases and the list of skips are themselves in order. */
import { assert, assertEquals } from "@std/assert/mod.js";
import type { OpName } from "../../core/graph/mod.ts";
import { CASES } from "./cases.ts";
import { referenceRules } from "./reference.ts";
import { deadSkips, type Skip, SKIPS } from "./skips.ts";

Deno.test("CASES has every operation, each case once", () => {
  const covered = new Set(CASES.flatMap(({ graph }) => graph.nodes.map(({ op }) => op)));
  assertEquals(Object.keys(referenceRules).filter((op) => !covered.has(op as OpName)), []);
  const own = new Set(CASES.map(({ op }) => op));
  assertEquals(Object.keys(referenceRules).filter((op) => !own.has(op as OpName)), []);
  assertEquals(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});

Deno.test("CASES test the operation they are named after", () => {
  for (const { name, op, graph } of CASES) assert(graph.nodes.some((node) => node.op === op), name);
});

Deno.test("SKIPS match a case each and say why", () => {
  assertEquals(deadSkips(SKIPS, CASES), []);
  for (const { cases, reason } of SKIPS) assert(reason.length > 10, `${cases} has no reason`);
});

Deno.test("deadSkips() finds skips that match no case, or a case without the part", () => {
  const skip = (cases: RegExp, part: Skip["part"]): Skip => ({ backend: "cpu", cases, part, reason: "" });
  const live = [skip(/^conv: one pixel$/, "both"), skip(/^conv: one pixel$/, "gradient")];
  const dead = [skip(/^conv: two pixels$/, "both"), skip(/^resizeNearest/, "gradient")];
  const cases = CASES.map((each) => each.op === "resizeNearest" ? { ...each, differentiable: [] } : each);
  assertEquals(deadSkips([...live, ...dead], cases), dead);
});
