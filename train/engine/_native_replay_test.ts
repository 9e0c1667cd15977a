/** Runs of operations on the native engine: recorded, replayed, broken off, failing; values, and what is left behind. */
import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { resNetCifar } from "../../models/resnet_cifar.ts";
import { compilingEverything } from "../../tests/support/compiling.ts";
import { testUnless } from "../../tests/support/skip.ts";
import { compiled } from "./compiled.ts";
import { Learner } from "./learner.ts";
import { memory, open, read, tf } from "./mod.ts";
import { missingFiles } from "./native_files.ts";
import { softmaxCrossEntropy } from "./native_kernels.ts";

const notInstalled = missingFiles("cpu").length > 0 ? "deno task install-native was not run" : undefined;

/** A test on the engine `node` that compiles everything; no tensor may be left, of tfjs or of TensorFlow. */
function compiling(name: string, test: (programs: () => number) => void | Promise<void>): void {
  testUnless(notInstalled, name, async () => {
    const engine = await open("node");
    try {
      using all = compilingEverything();
      const before = [memory(), handles()];
      await test(() => all.programs);
      assertEquals([memory(), handles()], before, "tensors are left behind");
    } finally {
      engine.close();
    }
  });
}

/** Tensors TensorFlow holds. */
function handles(): number {
  return (tf.backend() as tf.KernelBackend & { getNumOfTFTensors(): number }).getNumOfTFTensors();
}

async function valuesOf(tensor: tf.Tensor): Promise<number[]> {
  const values = [...await read(tensor)];
  tensor.dispose();
  return values;
}

/** `(x * a + 1) as [3, 2]`, transposed: a number, a shape and axes. */
const mixed = (x: tf.Tensor, a: number): tf.Tensor =>
  compiled(() => tf.tidy(() => tf.transpose(tf.reshape(tf.add(tf.mul(x, a), 1), [3, 2]), [1, 0])));

compiling("compiled() takes the tensors and numbers of each run", async (programs) => {
  const [x, y] = [tf.tensor([0, 1, 2, 3, 4, 5]), tf.tensor([5, 4, 3, 2, 1, 0])];
  assertEquals(await valuesOf(mixed(x, 1)), [1, 3, 5, 2, 4, 6]);
  assertEquals(programs(), 1);
  assertEquals(await valuesOf(mixed(x, 10)), [1, 21, 41, 11, 31, 51]);
  assertEquals(await valuesOf(mixed(y, 10)), [51, 31, 11, 41, 21, 1]);
  assertEquals(programs(), 1);
  tf.dispose([x, y]);
});

compiling("compiled() gives the same bits the first time and later", async (programs) => {
  const learner = Learner.fresh(resNetCifar({ depth: 8, outputs: 5, side: 8, width: 4 }), 1);
  const image = tf.randomNormal([4, 8, 8, 3], 0, 1, "float32", 7);
  // TensorFlow fuses what it reads here in graphs only, which rounds otherwise.
  const logits = (): Promise<number[]> =>
    valuesOf(compiled(() => tf.tidy(() => learner.predict({ image })["logits"]!)));
  const first = await logits();
  assertEquals(programs(), 1);
  assertEquals(await logits(), first);
  assertEquals(await logits(), first);
  assertEquals(programs(), 1);
  image.dispose();
  learner.dispose();
});

compiling("compiled() compiles anew for other shapes, constants, types and wiring", async (programs) => {
  const [x, y] = [tf.tensor([1, 2, 3, 4]), tf.tensor([4, 3, 2, 1])];
  const run = (f: () => tf.Tensor): Promise<number[]> => valuesOf(compiled(() => tf.tidy(f)));
  assertEquals(await run(() => tf.sub(x, y)), [-3, -1, 1, 3]);
  assertEquals(await run(() => tf.sub(x, x)), [0, 0, 0, 0], "the same tensor twice");
  assertEquals(await run(() => tf.sub(y, x)), [3, 1, -1, -3]);
  assertEquals(programs(), 2, "tensors from outside are named in the order of their use");
  const table = tf.reshape(x, [2, 2]);
  assertEquals(await run(() => tf.sum(table, 0)), [4, 6]);
  assertEquals(await run(() => tf.sum(table, 1)), [3, 7]);
  assertEquals(await run(() => tf.sub(table, table)), [0, 0, 0, 0]);
  const whole = tf.cast(x, "int32");
  assertEquals(await run(() => tf.sub(whole, whole)), [0, 0, 0, 0]);
  assertEquals(programs(), 6);
  tf.dispose([x, y, table, whole]);
});

compiling(
  "compiled() leaves a known run where it goes another way, ends early or goes on",
  async (programs) => {
    const x = tf.tensor([1, 2, 3]);
    const steps = [
      (v: tf.Tensor) => tf.mul(v, 2),
      (v: tf.Tensor) => tf.square(v),
      (v: tf.Tensor) => tf.neg(v),
    ];
    const run = (...order: number[]): Promise<number[]> =>
      valuesOf(compiled(() => tf.tidy(() => order.reduce<tf.Tensor>((v, k) => steps[k]!(v), x))));
    assertEquals(await run(0, 1, 2), [-4, -16, -36]);
    assertEquals(await run(0, 1), [4, 16, 36], "ends early");
    assertEquals(await run(0, 2, 1), [4, 16, 36], "another way");
    assertEquals(await run(0, 1, 2, 2), [4, 16, 36], "goes on");
    assertEquals(programs(), 4);
    for (const [order, wanted] of [[[0, 1], 36], [[0, 1, 2], -36], [[0, 2, 1], 36]] as const) {
      assertEquals((await run(...order))[2], wanted);
    }
    assertEquals(programs(), 4);
    x.dispose();
  },
);

compiling("compiled() keeps what is kept and frees what is not", async () => {
  const x = tf.tensor([1, 2, 3]);
  for (let k = 0; k < 3; k++) {
    const held: tf.Tensor[] = [];
    const last = compiled(() =>
      tf.tidy(() => {
        const [a, b] = [tf.add(x, k), tf.mul(x, k)];
        held.push(tf.keep(a));
        return tf.maximum(a, b);
      })
    );
    assertEquals(await valuesOf(held[0]!), [1 + k, 2 + k, 3 + k]);
    assertEquals(await valuesOf(last), [1, 2, 3].map((v) => Math.max(v + k, v * k)));
  }
  x.dispose();
});

compiling("compiled() may dispose of tensors from outside, and assign variables", async () => {
  const v = tf.tidy(() => tf.variable(tf.tensor([1, 2])));
  for (let k = 1; k <= 3; k++) {
    const x = tf.tensor([1, 1]);
    compiled(() =>
      tf.tidy(() => {
        v.assign(tf.add(v, x));
        x.dispose();
      })
    );
    assertEquals([...await read(v)], [1 + k, 2 + k]);
  }
  v.dispose();
});

compiling("compiled() computes what is read inside at once", async (programs) => {
  const x = tf.tensor([1, 2, 3]);
  for (let k = 0; k < 3; k++) {
    const seen: number[] = [];
    const y = compiled(() =>
      tf.tidy(() => {
        const double = tf.mul(x, 2);
        seen.push(...double.dataSync());
        return tf.add(double, k);
      })
    );
    assertEquals(seen, [2, 4, 6]);
    assertEquals(await valuesOf(y), [2 + k, 4 + k, 6 + k]);
  }
  assertEquals(programs(), 0);
  x.dispose();
});

compiling("compiled() that throws leaves what was made before", async () => {
  const x = tf.tensor([1, 2, 3]);
  for (let k = 0; k < 3; k++) {
    const made: tf.Tensor[] = [];
    const f = (): tf.Tensor => {
      made.push(tf.mul(x, 2));
      if (k === 1) throw new RangeError("no more");
      return tf.add(made[0]!, 1);
    };
    if (k === 1) assertThrows(() => compiled(f), RangeError, "no more");
    else assertEquals(await valuesOf(compiled(f)), [3, 5, 7]);
    assertEquals(await valuesOf(made[0]!), [2, 4, 6]);
  }
  x.dispose();
});

compiling("compiled() says what fails inside a graph, and runs again", async (programs) => {
  const logits = tf.tensor2d([[1, 2], [3, 4]]);
  const loss = async (first: number): Promise<number[]> => {
    const labels = tf.tensor1d([first, 0], "int32");
    try {
      return await valuesOf(compiled(() => tf.tidy(() => softmaxCrossEntropy({ logits, labels }))));
    } finally {
      labels.dispose();
    }
  };
  const right = await loss(1);
  assertEquals(programs(), 1);
  const error = await loss(7).then(() => undefined, (error: Error) => error);
  assert(error?.message.includes("label value of 7"), error?.message);
  assertEquals(await loss(1), right);
  logits.dispose();
});
