import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert/mod.js";
import { GraphBuilder } from "../core/graph/mod.ts";
import { stream } from "../core/random.ts";
import { allCells, classifierStage, nestedActions, pictureLogits, randomActions } from "./classifier.ts";
import { Learner } from "./engine/learner.ts";
import { memory, open, tf } from "./engine/mod.ts";
import { greedyActions, usage } from "./patchdrop.ts";

const GRID = { rows: 4, columns: 4, cell: 8, halo: 0 };

Deno.test("allCells() is on everywhere", () => {
  assertEquals(allCells(3, GRID), new Float32Array(48).fill(1));
});

Deno.test("randomActions() keeps a share of the cells that is uniform from `least` to all", () => {
  const frames = 4000;
  const used = usage(randomActions(frames, GRID, 0.2, stream(1, "masks")), 16);
  assertAlmostEquals(used.reduce((a, b) => a + b) / frames / 16, 0.6, 0.01);
  // Were it one share for all frames, the deviation would be that of 16 coins, 2 cells; here it is 4.2.
  const variance = used.reduce((sum, count) => sum + (count - 9.6) ** 2, 0) / frames;
  assert(Math.sqrt(variance) > 3.8, `deviation ${Math.sqrt(variance)}`);
  assert(randomActions(50, GRID, 1, stream(1, "masks")).every((u) => u === 1));
});

Deno.test("nestedActions() take the best cells of the policy's own ranking, `least` at least", () => {
  const random = stream(2, "nested");
  const probabilities = Float32Array.from({ length: 200 * 16 }, random);
  const actions = nestedActions(probabilities, 16, 2, random);
  const greedy = greedyActions(probabilities);
  const counts = new Set<number>();
  let asGreedy = 0;
  for (let from = 0; from < actions.length; from += 16) {
    const own = actions.subarray(from, from + 16);
    const row = probabilities.subarray(from, from + 16);
    const on = [...row].filter((_, k) => own[k] === 1);
    const off = [...row].filter((_, k) => own[k] === 0);
    assert(Math.min(...on, 2) >= Math.max(...off, -1), `row ${from / 16} is no prefix of the ranking`);
    counts.add(on.length);
    if (own.join() === greedy.subarray(from, from + 16).join()) asGreedy += 1;
    else assert(on.length >= 2);
  }
  assert(counts.size > 10, `only ${counts.size} different numbers of cells`);
  assert(asGreedy > 200 / 8, `${asGreedy} of 200 are greedy, about one in four must be`);
});

Deno.test("nestedActions() are nested: with more cells, the same frame keeps those it had", () => {
  const probabilities = Float32Array.of(0.9, 0.1, 0.6, 0.3);
  const sets = new Map<number, string>();
  for (let seed = 0; seed < 60; seed++) {
    const actions = nestedActions(probabilities, 4, 1, stream(seed, "one"));
    const count = actions.reduce((a, b) => a + b);
    const cells = [...actions.keys()].filter((k) => actions[k] === 1).join();
    assertEquals(sets.get(count) ?? cells, cells);
    sets.set(count, cells);
  }
  assertEquals([...sets].sort(([a], [b]) => a - b), [[1, "0"], [2, "0,2"], [3, "0,2,3"], [4, "0,1,2,3"]]);
});

Deno.test("nestedActions() break ties at random, so that equal cells are all learned", () => {
  const hits = new Float32Array(4);
  for (let seed = 0; seed < 300; seed++) {
    nestedActions(new Float32Array(4).fill(0.2), 4, 1, stream(seed, "ties")).forEach((u, k) => hits[k]! += u);
  }
  for (const count of hits) assertAlmostEquals(count / hits.reduce((a, b) => a + b), 0.25, 0.04);
});

Deno.test("pictureLogits() draws new dropout masks at every step, and the same ones when a step is repeated", async () => {
  const b = new GraphBuilder("dropping");
  const flat = b.unary("globalAveragePool", b.input("image", [2, 2, 3]));
  const dropped = b.node("dropout", "drop", [b.dense("in", flat, { units: 64 })], { rate: 0.5 });
  b.output("logits", dropped);
  const engine = await open("cpu");
  const learner = Learner.fresh(b.build(), 1);
  const batch = {
    images: new Float32Array(24).fill(1),
    shape: [2, 2, 2, 3] as const,
    labels: new Int32Array(2),
  };
  const at = async (seed: number, stage: string, step: number): Promise<string> => {
    const place = { stage, epoch: 0, batch: step, step };
    const logits = tf.tidy(() => pictureLogits(learner, seed)(batch, place));
    const zeros = Array.from(await logits.data(), (value) => value === 0 ? "0" : "1").join("");
    logits.dispose();
    learner.forget();
    learner.settle(); // ends the step
    return zeros;
  };
  const first = await at(1, "classifier", 0);
  assertEquals(await at(1, "classifier", 0), first);
  const others = [await at(1, "classifier", 1), await at(1, "other", 0), await at(2, "classifier", 0)];
  assertEquals(new Set([first, ...others]).size, 4);
  learner.dispose();
  engine.close();
});

Deno.test("classifierStage().learn() that fails leaves nothing behind", async () => {
  const engine = await open("cpu");
  const b = new GraphBuilder("flat");
  const flat = b.node("reshape", "flat", [b.input("image", [2, 2, 3])], { shape: [12] });
  b.output("logits", b.dense("fc", b.batchNorm("bn", flat), { units: 2 }));
  const learner = Learner.fresh(b.build(), 1);
  const teacher = Learner.fresh(b.build(), 2);
  const logits = pictureLogits(learner, 1);
  const update = { optimizer: { kind: "sgd" }, schedule: { kind: "constant", base: 0.1 } } as const;
  let fails = true;
  const stage = classifierStage({
    name: "classifier",
    learner,
    teacher,
    steady: true,
    batches: 1,
    data: () => (async function* () {})(),
    logits(batch, place) {
      const made = logits(batch, place);
      if (fails) throw new RangeError("no logits");
      return made;
    },
  }, { epochs: 1, batchSize: 3, update, distill: 0.5 });
  const batch = {
    images: new Float32Array(36).fill(0.5),
    shape: [3, 2, 2, 3] as const,
    labels: Int32Array.of(0, 1, 1),
  };
  const place = { stage: "classifier", epoch: 0, batch: 0, step: 0 };
  const learn = async (): Promise<void> => {
    for (const scalar of Object.values(await stage.learn(batch, place))) {
      assert(Number.isFinite((await scalar.data())[0]));
      scalar.dispose();
    }
  };
  const before = memory().tensors;
  await assertRejects(learn, RangeError, "no logits");
  assertEquals(memory().tensors, before);
  fails = false;
  await learn();
  assertEquals(memory().tensors, before);
  for (const optimizer of Object.values(stage.optimizers)) optimizer.dispose();
  learner.dispose();
  teacher.dispose();
  engine.close();
});
