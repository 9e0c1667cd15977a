import { assertEquals } from "@std/assert/mod.js";
import { tf } from "../tf.ts";
import { on } from "./_testing.ts";

Deno.test("clones on wasm share their values and outlive the original", async () => {
  await on("wasm", () => {
    const before = tf.memory();
    const one = tf.tensor1d([1, 2, 3]);
    const held = tf.memory().numDataBuffers;
    const two = tf.clone(one);
    assertEquals(tf.memory().numDataBuffers, held);
    const three = tf.reshape(two, [3, 1]);
    one.dispose();
    two.dispose();
    assertEquals([...three.dataSync()], [1, 2, 3]);
    three.dispose();
    assertEquals(tf.memory().numTensors, before.numTensors);
    assertEquals(tf.memory().numDataBuffers, before.numDataBuffers);
  });
});

Deno.test("assigning a variable on wasm leaves its clones as they were", async () => {
  await on("wasm", () => {
    const start = tf.tensor1d([1, 2]);
    const variable = tf.variable(start);
    const copy = tf.clone(variable);
    const next = tf.tensor1d([3, 4]);
    variable.assign(next);
    assertEquals([...copy.dataSync()], [1, 2]);
    assertEquals([...variable.dataSync()], [3, 4]);
    assertEquals([...start.dataSync()], [1, 2]);
    tf.dispose([start, variable, copy, next]);
  });
});

Deno.test("clones of strings on wasm keep their strings", async () => {
  await on("wasm", () => {
    const one = tf.tensor1d(["a", "b"]);
    const two = tf.clone(one);
    one.dispose();
    assertEquals([...two.dataSync() as unknown as string[]], ["a", "b"]);
    two.dispose();
  });
});
