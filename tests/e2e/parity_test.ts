/**
 * The same episode in evaluation and in the server: every picture is played both ways and every decision compared.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { connect, type Look, picture } from "../../client/mod.ts";
import { type Bundle, methodOf, operatingPoint } from "../../core/bundle/mod.ts";
import { crop, resample } from "../../core/geometry/mod.ts";
import type { Raster } from "../../core/image/mod.ts";
import { batchingRun, type Budget } from "../../core/policy/mod.ts";
import { stream } from "../../core/random.ts";
import { folderFiles } from "../../serve/adapters/deno.ts";
import { readRepository } from "../../serve/engine/mod.ts";
import { usualCost } from "../../serve/engine/turns.ts";
import { createService, type Files } from "../../serve/mod.ts";
import { createMachine, openRuntime, type Session } from "../../serve/runtime/mod.ts";
import { renderScene } from "../../train/data/mod.ts";
import { Device, type Episode, play } from "../../train/evaluate/mod.ts";
import { missing, testUnless } from "../support/skip.ts";
import { tinyRepository } from "../support/tiny_bundle.ts";

/** Cuts of scenes: pictures of any size with something to see in them. */
function pictures(count: number, size: () => { readonly width: number; readonly height: number }): Raster[] {
  const random = stream(5, "parity");
  const scenes = [0, 1, 2, 3].map((index) => renderScene({ seed: 9, index, split: "parity" }).image);
  return Array.from({ length: count }, (_, i) => {
    const scene = scenes[i % scenes.length]!;
    const { width, height } = size();
    const w = Math.min(scene.width, Math.ceil(width * (1 + random())));
    const h = Math.min(scene.height, Math.ceil(height * (1 + random())));
    const [x, y] = [
      Math.floor(random() * (scene.width - w + 1)),
      Math.floor(random() * (scene.height - h + 1)),
    ];
    return resample(crop(scene, { x, y, w, h }), { width, height, method: "area" });
  });
}

/** Both ways of playing a repository. */
async function withBoth(
  files: Files,
  test: (x: {
    readonly bundles: readonly Bundle[];
    readonly evaluated: (bundle: Bundle, one: Raster, point: string, budget: Budget) => Promise<Episode>;
    readonly served: (bundle: Bundle, one: Raster, point: string, budget: Budget) => Promise<Look[]>;
  }) => Promise<void>,
): Promise<void> {
  const runtime = await openRuntime("web");
  const { bundles } = await readRepository(files);
  const sessions = new Map<string, Session>();
  for (const { manifest: { id, version }, networks } of bundles) {
    for (const [name, bytes] of networks) {
      sessions.set(`${id}/${version}/${name}`, await runtime.load(bytes));
    }
  }
  const service = await createService({ files, machine: createMachine(runtime) });
  try {
    await service.loaded;
    const client = connect("http://edge.test", { fetch: (request) => service.app.request(request) });
    // Evaluation computes many pictures together, the server few: that must not matter.
    const runs = new Map(bundles.map((bundle) => {
      const { id, version } = bundle.manifest;
      const run = batchingRun(
        (network, inputs) => sessions.get(`${id}/${version}/${network}`)!.run(inputs),
        { maxRows: 64 },
      );
      return [bundle, run] as const;
    }));
    await test({
      bundles,
      evaluated: (bundle, one, point, budget) => {
        const { manifest } = bundle;
        return play({
          method: methodOf(manifest, operatingPoint(manifest, point)),
          run: runs.get(bundle)!,
          device: new Device(one, manifest),
          budget,
          cost: usualCost(bundle),
        });
      },
      served: async ({ manifest: { id, version, classes } }, one, point, budget) => {
        const turns: Look[] = [];
        const options = { model: id, version, point, budget, top: Math.min(100, classes.length) };
        for await (const turn of client.look(picture(one), options)) turns.push(turn);
        return turns;
      },
    });
  } finally {
    await service.close();
    for (const session of sessions.values()) await session.release();
  }
}

function compare(name: string, bundle: Bundle, mine: Episode, theirs: readonly Look[]): void {
  const last = theirs.at(-1)!;
  assertEquals(last.stop ? last.because : "looking", mine.because, name);
  assertEquals(last.sent.patches.map(({ id }) => id), mine.cells, name);
  assertEquals(last.sent.glanceBytes, mine.glanceBytes, name);
  assertEquals(last.sent.bytes, mine.glanceBytes + mine.patchBytes, name);
  assertEquals(last.spent.turns, mine.turns, name);
  // What shows nothing of the picture is settled without asking: the client never hears of such a turn.
  const told = mine.beliefs.filter((_, turn) => mine.asked[turn]! > 0 || turn === mine.beliefs.length - 1);
  assertEquals(theirs.length, told.length, name);
  theirs.forEach(({ belief }, turn) => {
    for (const { index, probability } of belief.top) {
      assertAlmostEquals(probability, told[turn]![index]!, 1e-4, `${name}, turn ${turn}`);
    }
    assertEquals(bundle.manifest.classes[belief.top[0]!.index], belief.top[0]!.label);
  });
}

/** Plays pictures at every operating point and budget, both ways. Returns how many patches were sent in all. */
async function playBothWays(
  files: Files,
  options: {
    readonly count: number;
    readonly budgets: readonly Budget[];
    readonly size: (
      bundle: Bundle,
      random: () => number,
    ) => { readonly width: number; readonly height: number };
  },
): Promise<number> {
  let patches = 0;
  await withBoth(files, async ({ bundles, evaluated, served }) => {
    assert(bundles.length > 0);
    const share = Math.ceil(options.count / bundles.length);
    for (const bundle of bundles) {
      const { id, operatingPoints } = bundle.manifest;
      const random = stream(6, `sizes/${id}`);
      const all = pictures(share, () => options.size(bundle, random));
      const settings = all.map((one, i) => ({
        one,
        point: operatingPoints[i % operatingPoints.length]!.name,
        budget: options.budgets[i % options.budgets.length]!,
      }));
      const mine = await Promise.all(settings.map((x) => evaluated(bundle, x.one, x.point, x.budget)));
      for (const [i, { one, point, budget }] of settings.entries()) {
        const theirs = await served(bundle, one, point, budget);
        compare(
          `picture ${i} of "${id}" at "${point}" with ${JSON.stringify(budget)}`,
          bundle,
          mine[i]!,
          theirs,
        );
        patches += mine[i]!.cells.length;
      }
    }
  });
  return patches;
}

const BUDGETS: readonly Budget[] = [{}, { patches: 3 }, { bytes: 2500 }, {}, { turns: 1 }, {
  confidence: 0.3,
}];

Deno.test("200 pictures are decided alike in evaluation and by the server: random weights, every fit and format", async () => {
  const files = await tinyRepository([
    { id: "cover-png", fit: "cover" },
    { id: "contain-jpeg", fit: "contain", transfer: "image/jpeg" },
    { id: "stretch-webp", fit: "stretch", transfer: "image/webp", glanceNetwork: false },
    { id: "reader-cover", reading: "patches", fit: "cover", transfer: "image/jpeg" },
    { id: "reader-contain", reading: "patches", fit: "contain", glanceNetwork: false },
  ]);
  const patches = await playBothWays(files, {
    count: 200,
    budgets: BUDGETS,
    size: (_, random) => ({ width: 20 + Math.floor(random() * 60), height: 20 + Math.floor(random() * 60) }),
  });
  assert(patches > 200, `only ${patches} patches were sent`);
});

const REPOSITORY = new URL("../../models/repository", import.meta.url).pathname;
for (const [model, count] of [["patchdrop-cifar10", 200], ["scenes", 24]] as const) {
  testUnless(
    missing(`${REPOSITORY}/${model}`),
    `${count} pictures are decided alike in evaluation and by the server: ${model} as shipped`,
    async () => {
      const all = folderFiles(REPOSITORY);
      const files: Files = {
        folders: (path) => path === "" ? Promise.resolve([model]) : all.folders(path),
        read: (path) => all.read(path),
      };
      const patches = await playBothWays(files, {
        count,
        budgets: [{}],
        size: ({ manifest }) => manifest.frame,
      });
      assert(patches > count, `only ${patches} patches were sent`);
    },
  );
}
