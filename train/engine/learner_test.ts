import { assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { type Graph, GraphBuilder } from "../../core/graph/mod.ts";
import { Learner } from "./learner.ts";
import { memory, open, tf } from "./mod.ts";

/** Two batch norms of the same pictures, of different momentum. */
function norms(): Graph {
  const b = new GraphBuilder("norms");
  const x = b.input("x", [1, 1, 2]);
  b.output("slow", b.batchNorm("slow", x, { momentum: 0.1 }));
  b.output("fast", b.batchNorm("fast", x, { momentum: 0.5 }));
  return b.build();
}

async function onCpu(body: (learner: Learner) => Promise<void>): Promise<void> {
  const engine = await open("cpu");
  const learner = Learner.fresh(norms(), 1);
  const before = memory().tensors;
  try {
    await body(learner);
    assertEquals(memory().tensors, before, "tensors are left behind");
  } finally {
    learner.dispose();
    engine.close();
  }
}

function train(learner: Learner, values: readonly number[]): void {
  tf.tidy(() => void learner.train({ x: tf.tensor([...values], [values.length / 2, 1, 1, 2]) }));
}

async function assertRunning(
  learner: Learner,
  expected: Readonly<Record<string, readonly number[]>>,
): Promise<void> {
  const weights = await learner.weights();
  for (const [id, values] of Object.entries(expected)) {
    values.forEach((value, k) => assertAlmostEquals(weights.get(id)!.data[k]!, value, 1e-6, `${id}[${k}]`));
  }
}

// Channel 0 is 1, 3: mean 2, unbiased variance 2. Channel 1 is 10, 16: mean 13, variance 18.
const FIRST = [1, 10, 3, 16];
// Channel 0 is -4, 0: mean -2, variance 8. Channel 1 is 1, 1: mean 1, variance 0.
const SECOND = [-4, 1, 0, 1];

Deno.test("Learner.settle() blends the statistics of every batch norm with its own momentum", () =>
  onCpu(async (learner) => {
    train(learner, FIRST);
    await assertRunning(learner, { "slow.running_mean": [0, 0], "slow.running_var": [1, 1] });
    learner.settle();
    await assertRunning(learner, {
      "slow.running_mean": [0.2, 1.3],
      "slow.running_var": [0.9 + 0.2, 0.9 + 1.8],
      "fast.running_mean": [1, 6.5],
      "fast.running_var": [0.5 + 1, 0.5 + 9],
    });
    learner.settle();
    await assertRunning(learner, { "fast.running_mean": [1, 6.5] });
  }));

Deno.test("Learner.settle() blends the statistics of several passes one after the other", () =>
  onCpu(async (learner) => {
    train(learner, FIRST);
    train(learner, SECOND);
    learner.settle();
    await assertRunning(learner, {
      // 0.9 * 0.2 - 0.2 and 0.9 * 1.3 + 0.1
      "slow.running_mean": [-0.02, 1.27],
      // 0.5 * 1 - 1 and 0.5 * 6.5 + 0.5
      "fast.running_mean": [-0.5, 3.75],
      // 0.5 * 1.5 + 4 and 0.5 * 9.5
      "fast.running_var": [4.75, 4.75],
    });
  }));

Deno.test("Learner.forget() leaves the running statistics as they were", () =>
  onCpu(async (learner) => {
    train(learner, FIRST);
    learner.forget();
    learner.settle();
    await assertRunning(learner, { "slow.running_mean": [0, 0], "fast.running_var": [1, 1] });
  }));
