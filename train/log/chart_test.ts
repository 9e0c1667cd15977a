import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { type Chart, renderCharts } from "./chart.ts";
import { bucketize } from "./_buckets.ts";
import { placeLabels } from "./_labels.ts";

const axis = { label: "patches" };
const chart = (series: Chart["series"], more: Partial<Chart> = {}): Chart => ({
  title: "t",
  x: axis,
  y: { label: "accuracy" },
  series,
  ...more,
});

function values(svg: string, attribute: string): number[] {
  return [...svg.matchAll(new RegExp(`<circle ${attribute}="([^"]+)"`, "g"))].map((match) =>
    Number(match[1])
  );
}

Deno.test("renderCharts() puts values where the axes say: equal steps are equal distances, up is more", () => {
  const points = [{ x: 0, y: 0 }, { x: 5, y: 1 }, { x: 10, y: 2 }];
  const svg = renderCharts([chart([{ name: "a", points, mark: "dots" }])]);
  const xs = values(svg, "cx");
  const ys = [...svg.matchAll(/ cy="([^"]+)" r/g)].map((match) => Number(match[1]));
  assertEquals(xs.length, 3);
  assert(Math.abs(xs[1]! - (xs[0]! + xs[2]!) / 2) < 0.11);
  assert(Math.abs(ys[1]! - (ys[0]! + ys[2]!) / 2) < 0.11 && ys[2]! < ys[0]!);
  assert(xs[0]! >= 60 && xs[2]! <= 520, "inside of the chart");
});

Deno.test("renderCharts() places decades of a logarithmic axis at equal distances and leaves out what has none", () => {
  const points = [0, -1, 1, 10, 100].map((x) => ({ x, y: 1 }));
  const svg = renderCharts([chart([{ name: "a", points, mark: "dots" }], { x: { ...axis, log: true } })]);
  const [a, b, c, ...more] = values(svg, "cx");
  assertEquals(more, []);
  assert(Math.abs(b! - a! - (c! - b!)) < 0.21);
});

Deno.test("renderCharts() leaves out values that are not finite and draws an empty chart without complaint", () => {
  const points = [{ x: 0, y: NaN }, { x: Infinity, y: 1 }, { x: 1, y: 1 }];
  const svg = renderCharts([
    chart([{ name: "a", points, mark: "dots" }]),
    chart([]),
    chart([{ name: "b", points: [] }]),
  ]);
  assertEquals(values(svg, "cx").length, 1);
  assert(!/NaN|Infinity|undefined/.test(svg));
  assert(!/NaN|undefined/.test(renderCharts([])));
});

Deno.test("renderCharts() escapes every text and names every series and level", () => {
  const svg = renderCharts([
    chart([{ name: "<a>", points: [{ x: 0, y: 0, label: '"&' }], mark: "dots" }, { name: "b", points: [] }], {
      title: "x < y",
      levels: [{ name: "full <image>", y: 1 }],
    }),
  ]);
  for (const text of ["x &lt; y", "&lt;a&gt;", ">b<", "full &lt;image&gt;", "<title>&quot;&amp;</title>"]) {
    assert(svg.includes(text), text);
  }
  assert(!/<(a|image)>/.test(svg));
});

Deno.test("renderCharts() draws a line of many points as its mean and range, so that the file stays small", () => {
  const points = Array.from({ length: 100_000 }, (_, x) => ({ x, y: x % 2 }));
  const svg = renderCharts([chart([{ name: "a", points }])]);
  assert(svg.includes("<polygon"));
  assert(svg.length < 20_000, `${svg.length} letters`);
  assertThrows(() => renderCharts([], { widthPx: 10 }), RangeError, "at least 1 of 240 x 180");
});

Deno.test("bucketize() keeps means, extremes and order", () => {
  const points = [[0, 4], [1, 0], [2, 8], [3, 1], [4, 7]].map(([x, y]) => ({ x: x!, y: y! }));
  assertEquals(bucketize(points, 2), [{ x: 1, y: 4, low: 0, high: 8 }, { x: 3.5, y: 4, low: 1, high: 7 }]);
  assertEquals(bucketize([], 2), []);
});

Deno.test("placeLabels() keeps texts inside, apart from each other, and drops those without room", () => {
  const area = { left: 0, right: 100, top: 0, bottom: 60, letterPx: 6 };
  const [near, edge] = placeLabels([{ text: "abc", x: 10, y: 30 }, { text: "def", x: 98, y: 30 }], area);
  assertEquals(near, { text: "abc", x: 16, y: 24 });
  assertEquals(edge, { text: "def", x: 98 - 6 - 18, y: 24 });
  const crowd = Array.from({ length: 40 }, () => ({ text: "abcdef", x: 50, y: 30 }));
  const placed = placeLabels(crowd, area);
  assert(placed.length >= 2 && placed.length <= 6, `${placed.length}`);
  const baselines = new Set(placed.map(({ x, y }) => `${x},${y}`));
  assertEquals(baselines.size, placed.length);
});
