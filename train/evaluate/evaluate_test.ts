import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { methodOf } from "../../core/bundle/mod.ts";
import type { Run } from "../../core/policy/mod.ts";
import { argmax } from "../../core/tensor.ts";
import { packedRaster } from "../data/mod.ts";
import { tinyDataset, tinyManifest, tinyRun } from "../../tests/support/tiny_model.ts";
import { evaluate } from "./evaluate.ts";
import { Device, play } from "./play.ts";
import { tabulate } from "./prefixes.ts";
import { playTable, type Thresholds } from "./thresholds.ts";

const SETTINGS: readonly Thresholds[] = [
  { levels: [0.5] },
  { levels: [0.8, 0.4], confidence: 0.9 },
  { levels: [0.9, 0.6, 0.6, 0.1], confidence: 0.6 },
];

function manifestAt(setting: Thresholds, glanceNetwork: boolean): ReturnType<typeof tinyManifest> {
  const base = tinyManifest();
  return tinyManifest({
    method: { ...base.method, glanceNetwork, fusion: glanceNetwork ? "sum" : "none" },
    operatingPoints: [{ ...base.operatingPoints[0]!, ...setting, levels: [...setting.levels] }],
  });
}

for (const glanceNetwork of [false, true]) {
  Deno.test(`tabulate() predicts every episode (${glanceNetwork ? "with" : "without"} glance network)`, async () => {
    const dataset = tinyDataset(60);
    const { table } = await tabulate({
      manifest: manifestAt(SETTINGS[0]!, glanceNetwork),
      run: tinyRun,
      dataset,
    });
    for (const setting of SETTINGS) {
      const manifest = manifestAt(setting, glanceNetwork);
      const method = methodOf(manifest);
      const predicted = playTable(table, setting);
      let right = 0;
      for (let i = 0; i < dataset.length; i++) {
        const device = new Device(packedRaster(dataset.packed!, i), manifest);
        const { cells, belief } = await play({ method, run: tinyRun, device });
        assertEquals(cells.length, predicted.patches[i], `picture ${i} at ${JSON.stringify(setting)}`);
        if (argmax(belief) === dataset.labels[i]) right += 1;
      }
      assertAlmostEquals(predicted.accuracy, right / dataset.length, 1e-12);
    }
  });
}

Deno.test("evaluate() counts what every episode did", async () => {
  const dataset = tinyDataset(50);
  const manifest = tinyManifest();
  const report = await evaluate({
    manifest,
    run: tinyRun,
    dataset,
    curveImages: 20,
    inFlight: 7,
    maxRows: 5,
  });
  const method = methodOf(manifest);
  let [patches, right, bytes] = [0, 0, 0];
  const sets = new Set<string>();
  for (let i = 0; i < dataset.length; i++) {
    const device = new Device(packedRaster(dataset.packed!, i), manifest);
    const episode = await play({ method, run: tinyRun, device });
    patches += episode.cells.length;
    bytes += episode.glanceBytes + episode.patchBytes;
    right += argmax(episode.belief) === dataset.labels[i] ? 1 : 0;
    sets.add(episode.cells.toSorted().join());
  }
  assertEquals(report.images, 50);
  assertAlmostEquals(report.accuracy, right / 50, 1e-12);
  assertAlmostEquals(report.patches.mean, patches / 50, 1e-12);
  assertEquals(report.patches.distinct, sets.size);
  assertAlmostEquals(report.bytes.total, bytes / 50, 1e-9);
  assertAlmostEquals(report.pixels.patches, report.patches.mean / 4, 1e-12);
  // One policy (10) for every picture and one classifier (100) for each that looked, or for the empty canvas.
  assertAlmostEquals(report.macs, 110, 1e-9);
  assertEquals(report.baselines.full.patches, 4);
  assertEquals(report.baselines.glance.patches, 0);
  for (const name of ["random", "center", "fixed"] as const) {
    assertAlmostEquals(report.baselines[name].patches, report.patches.mean, 0.25);
  }
  assertEquals(report.curves.map(({ name }) => name), ["policy", "fixed", "center", "random"]);
  for (const { points } of report.curves) {
    assertEquals(points.map(({ patches }) => patches), [0, 1, 2, 3, 4]);
    // The last of every ranking is the whole picture.
    assertEquals(points.at(-1)!.accuracy, report.curves[0]!.points.at(-1)!.accuracy);
  }
});

Deno.test("evaluate() does not depend on how many episodes are in flight", async () => {
  const common = { manifest: tinyManifest(), run: tinyRun, dataset: tinyDataset(40), seed: 3 };
  const one = await evaluate({ ...common, inFlight: 1 });
  assertEquals(await evaluate({ ...common, inFlight: 40 }), one);
});

Deno.test("evaluate() keeps to a budget of patches and of bytes", async () => {
  const common = { manifest: tinyManifest(), run: tinyRun, dataset: tinyDataset(40) };
  const free = await evaluate(common);
  const two = await evaluate({ ...common, budget: { patches: 1 } });
  assert(two.patches.mean <= 1 && two.patches.mean < free.patches.mean);
  const few = await evaluate({ ...common, budget: { bytes: 0 } });
  assertEquals(few.patches.mean, 0);
});

Deno.test("evaluate() refuses data with other classes", async () => {
  const dataset = { ...tinyDataset(4), classes: ["a", "c", "b"] };
  await assertRejects(
    () => evaluate({ manifest: tinyManifest(), run: tinyRun, dataset }),
    RangeError,
    "classes",
  );
});

Deno.test("evaluate() fails when a network fails", async () => {
  let calls = 0;
  const run: Run = (network, inputs) => {
    calls += 1;
    return calls > 3 ? Promise.reject(new Error("broken")) : tinyRun(network, inputs);
  };
  await assertRejects(
    () => evaluate({ manifest: tinyManifest(), run, dataset: tinyDataset(30), inFlight: 2, maxRows: 1 }),
    Error,
    "broken",
  );
});
