/** Schedules, saved state, and that variables move together as they do alone; tests/conformance has the arithmetic. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { stream } from "../../core/random.ts";
import { open, tf } from "./mod.ts";
import { Optimizer, type OptimizerOptions, rateAt, type Schedule } from "./optimizer.ts";

function rates(schedule: Schedule, steps: readonly number[]): number[] {
  return steps.map((step) => Number(rateAt(schedule, step).toFixed(9)));
}

Deno.test("rateAt() stays at the base when constant", () => {
  assertEquals(rates({ kind: "constant", base: 0.3 }, [0, 7, 1e6]), [0.3, 0.3, 0.3]);
});

Deno.test("rateAt() falls at the milestones themselves", () => {
  const schedule: Schedule = { kind: "step", base: 1, milestones: [3, 5] };
  assertEquals(rates(schedule, [0, 2, 3, 4, 5, 9]), [1, 1, 0.1, 0.1, 0.01, 0.01]);
  assertEquals(rates({ ...schedule, factor: 0.5 }, [2, 3, 5]), [1, 0.5, 0.25]);
});

Deno.test("rateAt() follows half a cosine from the base to 0 and stays there", () => {
  // cos(0) = 1, cos(pi / 4) = 0.70710678, cos(pi / 2) = 0, cos(pi) = -1
  assertEquals(rates({ kind: "cosine", base: 2, total: 8 }, [0, 2, 4, 8, 20]), [2, 1.707106781, 1, 0, 0]);
});

Deno.test("rateAt() warms up linearly to the base, and the schedule starts there", () => {
  assertEquals(rates({ kind: "constant", base: 0.4, warmup: 4 }, [0, 1, 3, 4, 5]), [0.1, 0.2, 0.4, 0.4, 0.4]);
  // The cosine runs over the 8 steps after the warm-up.
  assertEquals(rates({ kind: "cosine", base: 1, warmup: 2, total: 10 }, [0, 1, 2, 6, 10]), [
    0.5,
    1,
    1,
    0.5,
    0,
  ]);
  // Milestones count from the first step, warm-up included.
  assertEquals(rates({ kind: "step", base: 1, warmup: 2, milestones: [4] }, [0, 1, 3, 4]), [0.5, 1, 1, 0.1]);
});

Deno.test("rateAt() refuses a cosine without an end", () => {
  assertThrows(() => rateAt({ kind: "cosine", base: 1 }, 0), RangeError, "total is missing");
});

/** Vectors, a matrix, a scalar; `c` is not decayed. */
const SHAPES: Readonly<Record<string, readonly number[]>> = {
  a: [3],
  m: [2, 2],
  b: [1],
  s: [],
  c: [2],
  d: [4],
};
const DECAYED = new Set(["a", "m", "b", "s", "d"]);

function values(name: string, shape: readonly number[]): tf.Tensor {
  const random = stream(3, name);
  return tf.tensor(Float32Array.from({ length: shape.reduce((x, y) => x * y, 1) }, () => random() - 0.5), [
    ...shape,
  ]);
}

function variablesOf(ids: readonly string[]): Map<string, tf.Variable> {
  return new Map(ids.map((id) => [id, tf.tidy(() => tf.variable(values(id, SHAPES[id]!)))]));
}

function gradientsOf(ids: readonly string[], step: number): Record<string, tf.Tensor> {
  return Object.fromEntries(ids.map((id) => [id, values(`${id}/${step}`, SHAPES[id]!)]));
}

function move(optimizer: Optimizer, steps: readonly number[]): void {
  for (const step of steps) {
    const gradients = gradientsOf([...optimizer.variables.keys()], step);
    optimizer.apply(gradients, 0.1);
    tf.dispose(gradients);
  }
}

function dataOf(variables: ReadonlyMap<string, tf.Tensor>): Record<string, number[]> {
  return Object.fromEntries([...variables].map(([id, variable]) => [id, [...variable.dataSync()]]));
}

async function onCpu(body: () => Promise<void> | void): Promise<void> {
  const engine = await open("cpu");
  const before = tf.memory().numTensors;
  try {
    await body();
    assertEquals(tf.memory().numTensors, before, "tensors are left behind");
  } finally {
    engine.close();
  }
}

const KINDS: readonly OptimizerOptions[] = [
  { kind: "sgd", weightDecay: 0.1, ema: 0.5 },
  { kind: "sgd", nesterov: true, weightDecay: 0.1 },
  { kind: "adam", weightDecay: 0.1 },
  { kind: "adamw", weightDecay: 0.1, ema: 0.9 },
];

for (const options of KINDS) {
  const name = Object.entries(options).map((entry) => entry.join(" ")).join(", ");

  Deno.test(`Optimizer moves variables together as it moves each alone: ${name}`, () =>
    onCpu(async () => {
      const together = variablesOf(Object.keys(SHAPES));
      const all = new Optimizer(together, options, DECAYED);
      move(all, [0, 1, 2]);
      const state = await all.state();
      for (const id of Object.keys(SHAPES)) {
        const alone = variablesOf([id]);
        const one = new Optimizer(alone, options, DECAYED);
        move(one, [0, 1, 2]);
        assertEquals(dataOf(together)[id], dataOf(alone)[id], id);
        for (const [slot, value] of await one.state()) assertEquals(state.get(slot), value, slot);
        one.dispose();
        tf.dispose([...alone.values()]);
      }
      all.dispose();
      tf.dispose([...together.values()]);
    }));

  Deno.test(`Optimizer goes on from a saved state as if it had not stopped: ${name}`, () =>
    onCpu(async () => {
      const [through, stopped] = [variablesOf(Object.keys(SHAPES)), variablesOf(Object.keys(SHAPES))];
      const [one, first, second] = [through, stopped, stopped].map((each) =>
        new Optimizer(each, options, DECAYED)
      );
      move(one!, [0, 1, 2, 3]);
      move(first!, [0, 1]);
      second!.load(await first!.state());
      move(second!, [2, 3]);
      assertEquals(dataOf(stopped), dataOf(through));
      assertEquals(await second!.state(), await one!.state());
      assertEquals(await second!.average(), await one!.average());
      for (const each of [one!, first!, second!]) each.dispose();
      tf.dispose([...through.values(), ...stopped.values()]);
    }));
}

Deno.test("Optimizer clips the norm over all variables", () =>
  onCpu(() => {
    const variables = variablesOf(["a", "m", "b", "c"]);
    const before = dataOf(variables);
    const optimizer = new Optimizer(variables, { kind: "sgd", momentum: 0, clipNorm: 0.01 });
    move(optimizer, [0]);
    const after = dataOf(variables);
    const moved = Object.keys(before).flatMap((id) => before[id]!.map((value, k) => after[id]![k]! - value));
    // Rate 0.1 times the norm.
    assertAlmostEquals(Math.hypot(...moved), 0.001, 1e-6);
    optimizer.dispose();
    tf.dispose([...variables.values()]);
  }));

Deno.test("Optimizer runs as many operations for forty vectors as for two", () =>
  onCpu(async () => {
    const counts: number[] = [];
    for (const count of [2, 40]) {
      const ids = Array.from({ length: count }, (_, k) => `v${k}`);
      const start = tf.ones([3]);
      const variables = new Map(ids.map((id) => [id, tf.variable(start)]));
      const optimizer = new Optimizer(variables, { kind: "sgd", weightDecay: 0.1 });
      const gradients = Object.fromEntries(ids.map((id) => [id, start]));
      const { kernelNames } = await tf.profile(() => {
        optimizer.apply(gradients, 0.1);
        return [];
      });
      counts.push(kernelNames.length);
      optimizer.dispose();
      tf.dispose([start, ...variables.values()]);
    }
    assert(counts[0]! > 0);
    assertEquals(counts[1], counts[0]);
  }));

Deno.test("Optimizer refuses a step without a gradient and moves nothing", () =>
  onCpu(async () => {
    const variables = variablesOf(["a", "b"]);
    const before = dataOf(variables);
    const optimizer = new Optimizer(variables, { kind: "adam" });
    const gradients = gradientsOf(["a"], 0);
    assertThrows(() => optimizer.apply(gradients, 0.1), RangeError, '"b" has no gradient');
    assertEquals(dataOf(variables), before);
    assertEquals((await optimizer.state()).get("steps")!.data[0], 0);
    optimizer.dispose();
    tf.dispose([gradients, ...variables.values()]);
  }));

Deno.test("Optimizer refuses the state of another and keeps its own", () =>
  onCpu(async () => {
    const variables = variablesOf(["a", "b"]);
    const optimizer = new Optimizer(variables, { kind: "sgd" });
    move(optimizer, [0]);
    const own = await optimizer.state();
    const renamed = new Map([...own].map(([id, value]) => [id.replace("/b", "/z"), value]));
    const short = new Map([...own].slice(1));
    assertThrows(() => optimizer.load(renamed), RangeError, '"velocity/b" is missing or misshapen');
    assertThrows(() => optimizer.load(short), RangeError, "2 arrays, must be 3");
    assertEquals(await optimizer.state(), own);
    optimizer.dispose();
    tf.dispose([...variables.values()]);
  }));
