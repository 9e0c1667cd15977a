/**
 * Published weights through every path: the native engine, ONNX Runtime without and with native code.
 *
 * @module
 */
import { assertAlmostEquals } from "@std/assert/mod.js";
import { forInference, type Graph, type Weights } from "../../core/graph/mod.ts";
import { toOnnx } from "../../core/onnx/mod.ts";
import { argmax, pick, type Tensor } from "../../core/tensor.ts";
import { decodeSafetensors, fromTorch } from "../../core/weights/mod.ts";
import { mobileNetV2, modelOf } from "../../models/mod.ts";
import { openRuntime } from "../../serve/runtime/mod.ts";
import { createLoader, type Dataset, openCifar, subset } from "../../train/data/mod.ts";
import { type Engine, EngineUnavailable, open, read, tf } from "../../train/engine/mod.ts";
import { Learner } from "../../train/engine/learner.ts";
import { stream } from "../../core/random.ts";
import { missing, testUnless } from "../support/skip.ts";

const SHARED = new URL("../../../shared", import.meta.url).pathname;
const WEIGHTS = `${SHARED}/weights`;
const ARCHIVE = `${SHARED}/data/cifar-10-binary.tar.xz`;

/** Test accuracy on 10,000 images as published with the weights, in per cent. */
const PUBLISHED = { 20: 91.73, 32: 92.63, 44: 93.10, 56: 93.39 } as const;

/** Largest difference of logits as a share of their range. */
const TOLERANCE = 1e-4;

async function weightsOf(graph: Graph, file: string): Promise<Weights> {
  return fromTorch(graph, decodeSafetensors(await Deno.readFile(`${WEIGHTS}/${file}`)).tensors);
}

/** The CIFAR-10 test set, unpacked by the system's tar: no maintained library reads xz. */
async function cifarTest(): Promise<Dataset> {
  const folder = await Deno.makeTempDir();
  try {
    const { success } = await new Deno.Command("tar", { args: ["xf", ARCHIVE, "-C", folder] }).output();
    if (!success) throw new Error(`Cannot unpack ${ARCHIVE}: tar with xz must be installed`);
    return await openCifar({ path: `${folder}/cifar-10-batches-bin`, split: "test" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The native engine, or the plain one where it is not installed. */
async function engine(): Promise<Engine> {
  try {
    return await open("node");
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    return await open("wasm");
  }
}

async function onEngine(graph: Graph, weights: Weights, image: Tensor): Promise<Float32Array> {
  const learner = new Learner(graph, weights);
  const logits = tf.tidy(() =>
    learner.predict({ image: tf.tensor(image.data, [...image.shape]) })["logits"]!
  );
  const values = await read(logits);
  logits.dispose();
  learner.dispose();
  return values;
}

async function onRuntime(name: "web" | "node", onnx: Uint8Array, image: Tensor): Promise<Float32Array> {
  const session = await (await openRuntime(name)).load(onnx);
  const { data } = pick(await session.run({ image }), "logits");
  await session.release();
  return data;
}

function assertAgree(found: Float32Array, wanted: Float32Array, what: string): void {
  let [least, most, worst] = [Infinity, -Infinity, 0];
  for (let i = 0; i < wanted.length; i++) {
    least = Math.min(least, wanted[i]!);
    most = Math.max(most, wanted[i]!);
    worst = Math.max(worst, Math.abs(found[i]! - wanted[i]!));
  }
  assertAlmostEquals(
    worst / (most - least),
    0,
    TOLERANCE,
    `${what}: logits differ by a share of their range`,
  );
}

testUnless(
  missing(ARCHIVE) ?? missing(WEIGHTS),
  "imported CIFAR ResNets reach their published accuracy on onnxruntime-node and agree on every path",
  async (t) => {
    const test = await cifarTest();
    const few = await subset(test, { name: "few", indices: Int32Array.from({ length: 64 }, (_, i) => i) });
    const opened = await engine();
    for (const [depth, published] of Object.entries(PUBLISHED)) {
      const { build, card: { preprocessing } } = modelOf(`resnet${depth}-cifar`);
      const graph = build(10);
      const weights = await weightsOf(graph, `resnet-cifar10/resnet${depth}.safetensors`);
      const onnx = toOnnx(forInference({ graph, weights }));
      await t.step(`ResNet-${depth}`, async () => {
        const [batch] = await Array.fromAsync(
          createLoader(few, { batchSize: 64, normalization: preprocessing }).epoch(0),
        );
        const image = { shape: batch!.shape, data: batch!.images };
        const wanted = await onEngine(graph, weights, image);
        assertAgree(await onRuntime("web", onnx, image), wanted, "onnxruntime-web");
        assertAgree(await onRuntime("node", onnx, image), wanted, "onnxruntime-node");
        const session = await (await openRuntime("node", { threads: 2 })).load(onnx);
        let right = 0;
        for await (
          const { images, shape, labels } of createLoader(test, {
            batchSize: 100,
            normalization: preprocessing,
          }).epoch(0)
        ) {
          const { data } = pick(await session.run({ image: { shape, data: images } }), "logits");
          labels.forEach((label, n) =>
            right += argmax(data.subarray(n * 10, (n + 1) * 10)) === label ? 1 : 0
          );
        }
        await session.release();
        assertAlmostEquals(right / 100, published, 0.03);
      });
    }
    opened.close();
  },
);

testUnless(
  missing(`${WEIGHTS}/mobilenet_v2_imagenet.safetensors`),
  "imported MobileNetV2 with TensorFlow's padding agrees on every path",
  async () => {
    const opened = await engine();
    const graph = mobileNetV2({ padding: "tensorflow" });
    const weights = await weightsOf(graph, "mobilenet_v2_imagenet.safetensors");
    const onnx = toOnnx(forInference({ graph, weights }));
    const random = stream(1, "picture");
    const image = {
      shape: [2, 224, 224, 3],
      data: Float32Array.from({ length: 2 * 224 * 224 * 3 }, () => 2 * random() - 1),
    };
    const wanted = await onEngine(graph, weights, image);
    assertAgree(await onRuntime("web", onnx, image), wanted, "onnxruntime-web");
    assertAgree(await onRuntime("node", onnx, image), wanted, "onnxruntime-node");
    opened.close();
  },
);
