import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { tf } from "../tf.ts";
import { instantiate, withScratch } from "./_module.ts";
import { gradients, noise, on } from "./_testing.ts";
import { registerWasmGradients } from "./mod.ts";

/** Kernels of the `cpu` backend that wasm does without, and why training does too. */
const NOT_NEEDED: Readonly<Record<string, string>> = {
  Complex: "complex numbers",
  ComplexAbs: "complex numbers",
  Draw: "drawing on a canvas",
  Einsum: "has no gradient in tfjs; the graph has matMul",
  FFT: "complex numbers",
  IFFT: "complex numbers",
  Imag: "complex numbers",
  RaggedGather: "ragged tensors",
  RaggedRange: "ragged tensors",
  RaggedTensorToTensor: "ragged tensors",
  Real: "complex numbers",
  StaticRegexReplace: "strings",
};

Deno.test("registerWasmGradients() leaves no kernel missing that training needs", () => {
  const names = (backend: string): string[] => tf.getKernelsForBackend(backend).map((k) => k.kernelName);
  const wasm = new Set(names("wasm"));
  assertEquals(names("cpu").filter((name) => !wasm.has(name)).sort(), Object.keys(NOT_NEEDED));
});

Deno.test("registerWasmGradients() does nothing the second time", () => {
  const before = tf.getKernel("BatchMatMul", "wasm").kernelFunc;
  registerWasmGradients();
  assert(tf.getKernel("BatchMatMul", "wasm").kernelFunc === before);
});

/** Two convolutions (one depthwise), pooling and a dense layer. */
function logits(x: tf.Tensor4D, [first, depthwise, second, dense]: readonly tf.Variable[]): tf.Tensor2D {
  let y = tf.relu(tf.conv2d(x, first as tf.Tensor4D, 1, "same"));
  y = tf.maxPool(y as tf.Tensor4D, 2, 2, "valid");
  y = tf.depthwiseConv2d(y as tf.Tensor4D, depthwise as tf.Tensor4D, 1, "same");
  y = tf.relu(tf.conv2d(y as tf.Tensor4D, second as tf.Tensor4D, 2, "same"));
  return tf.matMul(tf.mean(y, [1, 2]) as tf.Tensor2D, dense as tf.Tensor2D);
}

/** Stripes across (class 0), stripes down (class 1) or dots (class 2) in noise. */
function pictures(n: number, seed: number): { readonly x: tf.Tensor4D; readonly y: tf.Tensor1D } {
  const size = 8;
  const values = tf.tidy(() => noise([n, size, size, 3], seed).dataSync() as Float32Array);
  const labels = Int32Array.from({ length: n }, (_, k) => k % 3);
  for (let k = 0; k < values.length; k++) {
    const pixel = Math.floor(k / 3);
    const [column, row] = [pixel % size, Math.floor(pixel / size) % size];
    const label = labels[Math.floor(pixel / (size * size))]!;
    const on = label === 0 ? row % 2 === 0 : label === 1 ? column % 2 === 0 : (row + column) % 2 === 0;
    values[k]! += on ? 1 : -1;
  }
  return { x: tf.tensor4d(values, [n, size, size, 3]), y: tf.tensor1d(labels, "int32") };
}

interface Outcome {
  readonly losses: readonly number[];
  readonly accuracy: number;
  readonly leaked: number;
}

function train(steps: number): Outcome {
  const shapes = [[3, 3, 3, 8], [3, 3, 8, 1], [3, 3, 8, 12], [12, 3]];
  const weights = shapes.map((shape, k) => tf.tidy(() => tf.variable(tf.mul(noise(shape, 10 + k), 0.4))));
  const optimizer = tf.train.momentum(0.1, 0.9);
  const { x, y } = pictures(24, 1);
  const losses: number[] = [];
  const step = (): void =>
    tf.tidy(() => {
      const loss = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(tf.oneHot(y, 3), logits(x, weights)) as tf.Scalar,
        true,
        weights,
      )!;
      losses.push(loss.dataSync()[0]!);
    });
  step(); // creates the momenta
  const before = tf.memory();
  for (let k = 1; k < steps; k++) step();
  const leaked = tf.memory().numTensors - before.numTensors + tf.memory().numBytes - before.numBytes;
  const test = pictures(60, 2);
  const hits = tf.tidy(() => tf.sum(tf.equal(tf.argMax(logits(test.x, weights), 1), test.y)).dataSync()[0]!);
  optimizer.dispose();
  tf.dispose([weights, x, y, test.x, test.y]);
  return { losses, accuracy: hits / 60, leaked };
}

Deno.test("wasm trains a small convolutional network, the same way each time, and leaks nothing", async () => {
  const first = await on("wasm", () => train(30));
  const second = await on("wasm", () => train(8));
  assert(first.losses[0]! > 0.9, `untrained loss is ${first.losses[0]}`);
  assert(first.losses.at(-1)! < 0.1, `trained loss is ${first.losses.at(-1)}`);
  assert(first.accuracy > 0.9, `accuracy on unseen pictures is ${first.accuracy}, chance is 0.33`);
  assertEquals(first.leaked, 0);
  assertEquals(second.losses, first.losses.slice(0, 8)); // to the last bit
});

Deno.test("gradients are the same to the last bit in a grown memory", async () => {
  await on("wasm", () => {
    const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same");
    const shapes = [[2, 9, 9, 5], [3, 3, 5, 6]];
    const before = gradients((x, w) => f(x!, w!), shapes);
    const large = tf.zeros([48 * 1024 * 1024]); // 192 MiB, the memory starts with 16
    const after = gradients((x, w) => f(x!, w!), shapes);
    large.dispose();
    assertEquals(after, before);
  });
});

Deno.test("instantiate() runs on a shared memory as on one that is not", () => {
  const [a, b] = [false, true].map((shared) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 16, shared });
    const values = new Float32Array(memory.buffer);
    for (let k = 0; k < 256; k++) values[k] = Math.sin(k);
    // Eight pixels of four channels against eight pixels of eight, sums at 2048.
    instantiate(memory).accumulateOuter(0, 512, 2048, 4, 8, 1, 1, 8, 16, 128, 128, 32);
    return [...values.subarray(512, 544)];
  });
  const expected = Math.fround(
    Array.from({ length: 8 }, (_, p) => Math.sin(p * 4) * Math.sin(128 + p * 8)).reduce((s, v) => s + v),
  );
  assert(Math.abs(a![0]! - expected) < 1e-5, `first sum is ${a![0]}, must be ${expected}`);
  assertEquals(b, a);
});

Deno.test("withScratch() names the bytes when the heap is exhausted and frees when the body throws", () => {
  const freed: number[] = [];
  const backend = (address: number) => ({
    wasm: { _malloc: () => address, _free: (at: number) => void freed.push(at) },
    dataIdMap: { get: () => ({ memoryOffset: 0 }) },
    makeOutput: () => ({ dataId: {}, shape: [], dtype: "float32" as const }),
    incRef: () => {},
  });
  assertThrows(() => withScratch(backend(0), [100, 1], () => 1), RangeError, "192 bytes of scratch memory");
  assertEquals(freed, []);
  assertThrows(
    () =>
      withScratch(backend(64), [16, 0, 16], (a, b, c) => {
        assertEquals([a, c], [64, 112]); // 16 bytes and the slack of 32
        throw new Error(`stop ${b}`);
      }),
    Error,
    "stop",
  );
  assertEquals(freed, [64]);
});
