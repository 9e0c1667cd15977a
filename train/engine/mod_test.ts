import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import { testUnless } from "../../tests/support/skip.ts";
import { EngineUnavailable, memory, open, read, tf } from "./mod.ts";
import { missingFiles } from "./native_files.ts";

const notInstalled = missingFiles("cpu").length > 0 ? "deno task install-native was not run" : undefined;

/** Runs with a variable of the environment changed. */
async function withEnv(name: string, value: string, run: () => Promise<void>): Promise<void> {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  try {
    await run();
  } finally {
    if (before === undefined) Deno.env.delete(name);
    else Deno.env.set(name, before);
  }
}

async function square(): Promise<number[]> {
  const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const y = tf.matMul(x, x);
  const values = await read(y);
  tf.dispose([x, y]);
  return [...values];
}

Deno.test("open() brings up cpu, and again after close", async () => {
  for (let round = 0; round < 2; round++) {
    const engine = await open("cpu");
    assertEquals([engine.name, engine.passedOver, tf.getBackend()], ["cpu", [], "cpu"]);
    assertEquals(await square(), [7, 10, 15, 22]);
    engine.close();
  }
});

Deno.test("open() brings up wasm from files on disk, with gradients of convolutions", async () => {
  const engine = await open("wasm");
  try {
    assertEquals(await square(), [7, 10, 15, 22]);
    const ones = tf.ones([1, 3, 3, 1]) as tf.Tensor4D;
    const slope = tf.grad((filter) => tf.conv2d(ones, filter as tf.Tensor4D, 1, "valid"))(
      tf.ones([2, 2, 1, 1]),
    );
    // Each of the four taps meets each of the four positions once.
    assertEquals([...await read(slope)], [4, 4, 4, 4]);
    tf.dispose([ones, slope]);
  } finally {
    engine.close();
  }
});

testUnless(notInstalled, "open() brings up node, and again beside other engines", async () => {
  for (const name of ["node", "cpu", "node"] as const) {
    const engine = await open(name);
    assertEquals(engine.name, name);
    assertEquals(await square(), [7, 10, 15, 22]);
    engine.close();
  }
});

Deno.test("open() prints nothing", async () => {
  const printed: unknown[] = [];
  const { log, warn, error } = console;
  Object.assign(
    console,
    Object.fromEntries(["log", "warn", "error"].map((k) => [k, (...x: []) => printed.push(x)])),
  );
  try {
    for (const name of ["wasm", "node", "cpu"] as const) {
      if (name === "node" && notInstalled !== undefined) continue;
      const engine = await open(name);
      await square();
      engine.close();
    }
  } finally {
    Object.assign(console, { log, warn, error });
  }
  assertEquals(printed, []);
});

Deno.test("open() refuses node where it is not installed, and says what to run", async () => {
  await withEnv("SACCADE_CACHE", "/nonexistent", async () => {
    const error = await assertRejects(() => open("node"), EngineUnavailable);
    assertEquals(error.engine, "node");
    assertStringIncludes(error.reason, "deno task install-native");
    assertStringIncludes(error.message, `Cannot open engine "node": `);
  });
});

Deno.test("open() passes over what does not run, with reasons, for auto", async () => {
  await withEnv("SACCADE_CACHE", "/nonexistent", async () => {
    const engine = await open("auto");
    try {
      const names = engine.passedOver.map(({ name }) => name);
      assertEquals(names.slice(0, 2), ["node-gpu", "node"]);
      assert(engine.passedOver.every(({ reason }) => reason.length > 20));
      assert(engine.name === "wasm" || !engine.software);
      assertEquals(await square(), [7, 10, 15, 22]);
    } finally {
      engine.close();
    }
  });
});

Deno.test("open() refuses a number of threads that is none", async () => {
  for (const threads of [0, -1, 1.5]) await assertRejects(() => open("cpu", { threads }), RangeError);
});

Deno.test("read() gives memory of the caller's own, as floats", async () => {
  const engine = await open("cpu");
  try {
    const x = tf.tensor1d([1, 2]);
    (await read(x))[0] = 9;
    assertEquals([...await read(x)], [1, 2]);
    assertEquals(await read(tf.tensor1d([3], "int32")), Float32Array.of(3));
    assertEquals(await read(tf.tensor1d([true], "bool")), Float32Array.of(1));
  } finally {
    engine.close();
  }
});

Deno.test("memory() counts tensors and their bytes", async () => {
  const engine = await open("cpu");
  try {
    const before = memory();
    const x = tf.zeros([3, 4]);
    assertEquals(memory(), { tensors: before.tensors + 1, bytes: before.bytes + 48 });
    x.dispose();
    assertEquals(memory(), before);
  } finally {
    engine.close();
  }
});
