import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { type Graph, GraphBuilder } from "../core/graph/mod.ts";
import { stream } from "../core/random.ts";
import { Learner } from "./engine/learner.ts";
import { memory, open, tf } from "./engine/mod.ts";
import {
  advantages,
  greedyActions,
  logProbabilities,
  policyStage,
  type PolicyStageOptions,
  published,
  resolve,
  sampleActions,
  usage,
} from "./patchdrop.ts";
import { visionOf } from "./vision.ts";

function assertClose(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-6): void {
  assertEquals(actual.length, expected.length);
  expected.forEach((value, i) => assertAlmostEquals(actual[i]!, value, tolerance, `at ${i}`));
}

/** Runs mathematics on tensors on the plain engine and frees them. */
async function onCpu(test: () => void): Promise<void> {
  const engine = await open("cpu");
  try {
    tf.tidy(test);
  } finally {
    engine.close();
  }
}

Deno.test("sampleActions() keeps exploring where the policy is certain: alpha 0.8 gives 0.8, 0.2 and 0.5", () => {
  const probabilities = Float32Array.of(1, 0, 0.5);
  const samples = 20_000;
  const actions = sampleActions(probabilities, { alpha: 0.8, samples, random: stream(1, "actions") });
  assertEquals(actions.length, 3 * samples);
  [0.8, 0.2, 0.5].forEach((wanted, k) => {
    let on = 0;
    for (let i = k; i < actions.length; i += 3) on += actions[i]!;
    assertAlmostEquals(on / samples, wanted, 0.015, `cell ${k}`);
  });
});

Deno.test("sampleActions() with alpha 1 follows a certain policy, and the same stream gives the same actions", () => {
  const sure = Float32Array.of(1, 0, 1, 1);
  assertEquals([...sampleActions(sure, { alpha: 1, samples: 2, random: stream(1, "a") })], [
    ...sure,
    ...sure,
  ]);
  const half = new Float32Array(64).fill(0.5);
  const draw = (): Float32Array => sampleActions(half, { alpha: 0.8, samples: 1, random: stream(4, "b") });
  assertEquals(draw(), draw());
});

Deno.test("greedyActions() thresholds at one half, one half included", () => {
  assertEquals([...greedyActions(Float32Array.of(0.49, 0.5, 0.51, 0, 1))], [0, 1, 1, 0, 1]);
});

Deno.test("usage() counts the cells that are on, row by row", () => {
  assertEquals([...usage(Float32Array.of(1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1), 4)], [3, 0, 4]);
});

Deno.test("advantages() are differences to the greedy reward, to the value, or to the mean of the other samples", async () => {
  await onCpu(() => {
    const reward = tf.tensor2d([[1, 0], [0.5, -1], [0, 4]]); // [S = 3, N = 2]
    const baseline = tf.tensor1d([0.25, 1]);
    const wanted = [0.75, -1, 0.25, -2, -0.25, 3];
    assertClose(advantages(reward, baseline, "self-critical").dataSync(), wanted);
    assertClose(advantages(reward, baseline, "value").dataSync(), wanted);
    // n = 0: 1 - (0.5 + 0) / 2, 0.5 - (1 + 0) / 2, 0 - (1 + 0.5) / 2; n = 1: 0 - (-1 + 4) / 2, …
    const own = advantages(reward, undefined, "leave-one-out").dataSync();
    assertClose(own, [0.75, -1.5, 0, -3, -0.75, 4.5]);
  });
});

Deno.test("advantages() are 0 where an action is its own baseline, and leave-one-out ones sum to 0", async () => {
  await onCpu(() => {
    const rewards = [0.75, -0.5, 1];
    assertClose(
      advantages(tf.tensor2d([rewards]), tf.tensor1d(rewards), "self-critical").dataSync(),
      [0, 0, 0],
    );
    const reward = tf.tensor2d([[1, 3], [2, -7], [4, 0.5], [-1, 2]]);
    assertClose(tf.sum(advantages(reward, undefined, "leave-one-out"), 0).dataSync(), [0, 0]);
  });
});

Deno.test("logProbabilities() are those of the bounded policy", async () => {
  await onCpu(() => {
    // Logits 0 and ln 3: s = 1/2 and 3/4; alpha 0.8: s' = 0.2 + 0.6 s = 0.5 and 0.65.
    const logits = tf.tensor2d([[0, Math.log(3)]]);
    const actions = tf.tensor3d([[[1, 1]], [[0, 0]], [[1, 0]]]); // [S = 3, N = 1, K = 2]
    const log = logProbabilities(logits, actions, 0.8);
    assertEquals(log.shape, [3, 1, 2]);
    assertClose(
      log.dataSync(),
      [0.5, 0.65, 0.5, 0.35, 0.5, 0.35].map(Math.log),
    );
  });
});

Deno.test("logProbabilities() stay finite for a certain policy, with and without exploration", async () => {
  await onCpu(() => {
    const logits = tf.tensor2d([[80, -80]]);
    const actions = tf.tensor3d([[[0, 1]]]); // what the policy would never do
    assertClose(logProbabilities(logits, actions, 0.8).dataSync(), [Math.log(0.2), Math.log(0.2)]);
    assert([...logProbabilities(logits, actions, 1).dataSync()].every(Number.isFinite));
  });
});

Deno.test("logProbabilities() push a logit towards an action that paid and away from one that did not", async () => {
  await onCpu(() => {
    const logits = tf.tensor2d([[0.3, 0.3]]);
    const actions = tf.tensor3d([[[1, 0]]]);
    const loss = (advantage: number) => (x: tf.Tensor): tf.Scalar =>
      tf.neg(tf.sum(tf.mul(logProbabilities(x, actions, 0.8), advantage)));
    const paid = tf.grad(loss(1))(logits).dataSync();
    assert(paid[0]! < 0 && paid[1]! > 0); // down the gradient: logit of the cell taken up, of the other down
    assertClose(tf.grad(loss(-1))(logits).dataSync(), [...paid].map((value) => -value));
  });
});

Deno.test("resolve() refuses options outside their ranges and names them", () => {
  const good = published("pretrain", 16);
  assertEquals(resolve(good, 16), good);
  assert(Object.isFrozen(resolve(good, 16)));
  const refusals = [
    [{ epochs: -1 }, "epochs is -1"],
    [{ batchSize: 0 }, "batchSize is 0"],
    [{ penalty: 0.5 }, "penalty is 0.5"],
    [{ alpha: 0.5 }, "alpha is 0.5"],
    [{ alpha: 1.1 }, "alpha is 1.1"],
    [{ zeroAt: 17 }, "zeroAt is 17, must be in (0, 16]"],
    [{ samples: 1.5 }, "samples is 1.5"],
    [{ estimator: "leave-one-out", samples: 1 }, "samples is 1, must be an integer of 2 or more"],
    [{ distill: NaN }, "distill is NaN"],
  ] as const;
  for (const [change, sentence] of refusals) {
    assertThrows(() => resolve({ ...good, ...change }, 16), RangeError, sentence);
  }
});

Deno.test("published() is the 2020 recipe: penalties, batches, frozen and joint stages", () => {
  const [first, second, third] = (["pretrain", "finetune", "two-stream"] as const)
    .map((stage) => published(stage, 16));
  assertEquals([first, second, third].map((stage) => stage!.penalty), [-0.5, -10, -10]);
  assertEquals([first, second, third].map((stage) => stage!.batchSize), [1024, 128, 128]);
  assertEquals([first, second, third].map((stage) => stage!.classifier !== undefined), [false, true, true]);
  assertEquals([first, second, third].map((stage) => stage!.fusion), ["none", "none", "sum"]);
  assertEquals([first, second, third].map((stage) => stage!.policy.schedule.base), [1e-4, 1e-4, 1e-4]);
});

/** A product with batch norm over all pixels. */
function small(input: string, side: number, outputs: Readonly<Record<string, number>>): Graph {
  const b = new GraphBuilder(input);
  const flat = b.node("reshape", "flat", [b.input(input, [side, side, 3])], { shape: [side * side * 3] });
  const features = b.batchNorm("bn", b.dense("in", flat, { units: 4 }));
  for (const [name, units] of Object.entries(outputs)) b.output(name, b.dense(name, features, { units }));
  return b.build();
}

const SMALL_GRID = { rows: 2, columns: 2, cell: 4, halo: 0 };
const UPDATE = { optimizer: { kind: "adam" }, schedule: { kind: "constant", base: 0.01 } } as const;

/** Every option that has tensors of its own. */
const VARIANTS: Readonly<Record<string, Partial<PolicyStageOptions>>> = {
  "published pre-training": published("pretrain", 4),
  "published finetuning": published("finetune", 4),
  "published two-stream": published("two-stream", 4),
  "2019 code": {
    reward: "linear",
    reduction: "sum",
    curriculum: true,
    fusion: "weighted",
    classifier: UPDATE,
  },
  "leave-one-out": { estimator: "leave-one-out", samples: 3 },
  "leave-one-out, joint": { estimator: "leave-one-out", samples: 3, fusion: "weighted", classifier: UPDATE },
  "learned value": { estimator: "value", samples: 2 },
  "learned value, joint": { estimator: "value", classifier: UPDATE },
  "distillation": { distill: 1, samples: 2, classifier: UPDATE },
};

for (const [name, options] of Object.entries(VARIANTS)) {
  Deno.test(`policyStage().learn() leaves no tensor behind, also where it fails, and moves only what it trains: ${name}`, async () => {
    const engine = await open("cpu");
    const start = memory().tensors;
    const classifier = Learner.fresh(small("image", 8, { logits: 3 }), 1);
    const vision = visionOf("canvas", SMALL_GRID, classifier);
    /** How many more times the classifier reads before it fails. */
    let good = Infinity;
    const actors = {
      policy: Learner.fresh(
        small("glance", 2, { logits: 4, ...(options.estimator === "value" ? { value: 1 } : {}) }),
        1,
      ),
      classifier,
      glance: Learner.fresh(small("glance", 2, { logits: 3 }), 2),
      teacher: Learner.fresh(small("image", 8, { logits: 3 }), 3),
    };
    const made: PolicyStageOptions = { ...published("pretrain", 4), ...options, policy: UPDATE };
    const stage = policyStage({
      name: "policy",
      actors,
      vision: {
        ...vision,
        logits(frames, actions, seed) {
          const made = vision.logits(frames, actions, seed);
          if (good-- <= 0) throw new RangeError("no logits");
          return made;
        },
      },
      grid: SMALL_GRID,
      reading: "canvas",
      glance: { side: 2, resample: "area" },
      seed: 1,
      batches: 9,
      data: () => (async function* () {})(),
    }, made);
    const random = stream(6, name);
    const batch = {
      images: Float32Array.from({ length: 5 * 8 * 8 * 3 }, random),
      shape: [5, 8, 8, 3] as const,
      labels: Int32Array.of(0, 1, 2, 0, 1),
    };
    const before = await Promise.all(Object.values(actors).map((learner) => learner.weights()));
    const held = memory().tensors;
    let failures = 0;
    for (const readings of [0, 1]) {
      good = readings;
      try {
        const scalars = await stage.learn(batch, { stage: "policy", epoch: 0, batch: 0, step: 0 });
        for (const scalar of Object.values(scalars)) scalar.dispose();
      } catch (error) {
        assertEquals((error as Error).message, "no logits");
        failures += 1;
      }
      assertEquals(memory().tensors, held, `after failing at reading ${readings}`);
    }
    assertEquals(failures, made.estimator === "self-critical" ? 2 : 1);
    good = Infinity;
    for (const step of [0, 1]) {
      const scalars = await stage.learn(batch, { stage: "policy", epoch: 0, batch: step, step });
      for (const [key, scalar] of Object.entries(scalars)) {
        assert(Number.isFinite((await scalar.data())[0]), key);
        scalar.dispose();
      }
      assertEquals(memory().tensors, held, `after step ${step}`);
    }
    const after = await Promise.all(Object.values(actors).map((learner) => learner.weights()));
    const moved = before.map((weights, i) =>
      [...weights].some(([id, { data }]) => after[i]!.get(id)!.data.some((value, k) => value !== data[k]))
    );
    assertEquals(moved, [true, made.classifier !== undefined, false, false]);
    for (const optimizer of Object.values(stage.optimizers)) optimizer.dispose();
    for (const learner of Object.values(actors)) learner.dispose();
    assertEquals(memory().tensors, start);
    engine.close();
  });
}
