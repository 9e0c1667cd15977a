/**
 * Whole training steps of small networks.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert/mod.js";
import { type Graph, GraphBuilder } from "../../core/graph/mod.ts";
import { stream } from "../../core/random.ts";
import type { Tensor } from "../../core/tensor.ts";
import { resNetCifar } from "../../models/resnet_cifar.ts";
import { Learner } from "../../train/engine/learner.ts";
import { memory, read } from "../../train/engine/open.ts";
import { Optimizer } from "../../train/engine/optimizer.ts";
import { crossEntropy, step } from "../../train/engine/step.ts";
import { tf } from "../../train/engine/tf.ts";
import type { Check, EngineBackend } from "./check.ts";

const [BATCH, SIDE, CLASSES, STEPS] = [4, 8, 5, 4];

/** Depthwise and grouped convolutions and dropout, which the ResNet lacks. */
function mixed(): Graph {
  const b = new GraphBuilder("mixed");
  const x = b.input("image", [SIDE, SIDE, 3]);
  const deep = b.unary("relu6", b.batchNorm("bn", b.depthwise("deep", x, { kernel: 3, filters: 2, pad: 1 })));
  const grouped = b.conv("grouped", deep, { filters: 8, kernel: 3, groups: 2, stride: 2, bias: true });
  const dropped = b.node("dropout", "drop", [b.unary("globalAveragePool", grouped)], { rate: 0.3 });
  b.output("logits", b.dense("fc", dropped, { units: CLASSES }));
  return b.build();
}

const NETWORKS: readonly (readonly [name: string, graph: () => Graph])[] = [
  ["ResNet-8", () => resNetCifar({ depth: 8, outputs: CLASSES, side: SIDE, width: 4 })],
  ["depthwise, grouped and dropout", mixed],
];

/** What a run leaves: the loss of every step and the weights after the last. */
interface Trained {
  readonly losses: readonly number[];
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Some steps on one batch from fresh weights. */
async function train(graph: Graph, seed: number): Promise<Trained> {
  const before = memory().tensors;
  const random = stream(seed, "image");
  const image = tf.tensor(
    Float32Array.from({ length: BATCH * SIDE * SIDE * 3 }, () => 2 * random() - 1),
    [BATCH, SIDE, SIDE, 3],
  );
  const labels = tf.tensor1d(Array.from({ length: BATCH }, (_, n) => n), "int32");
  const learner = Learner.fresh(graph, seed);
  const options = { kind: "sgd", weightDecay: 1e-4, ema: 0.9 } as const;
  const optimizer = new Optimizer(learner.trainable, options, learner.decayed);
  const losses: number[] = [];
  const standing = memory().tensors;
  for (let k = 0; k < STEPS; k++) {
    const loss = step(
      { steady: true, learners: [learner], updates: [{ optimizer, rate: 0.05 }] },
      () => crossEntropy(learner.train({ image }, seed + k)["logits"]!, labels),
    );
    losses.push((await read(loss))[0]!);
    loss.dispose();
    assertEquals(memory().tensors, standing, `step ${k} leaves tensors behind`);
  }
  const weights = await learner.weights();
  optimizer.dispose();
  learner.dispose();
  tf.dispose([image, labels]);
  assertEquals(memory().tensors, before, "a run leaves tensors behind");
  return { losses, weights };
}

async function checkSteps(graph: Graph): Promise<void> {
  const { losses, weights } = await train(graph, 1);
  assert(losses.every(Number.isFinite), losses.join());
  assert(losses.at(-1)! < losses[0]!, `the loss does not fall: ${losses.join(", ")}`);
  for (const [id, { data }] of weights) assert(data.every(Number.isFinite), id);
}

async function checkSeed(graph: Graph): Promise<void> {
  const [first, again, other] = [await train(graph, 2), await train(graph, 2), await train(graph, 3)];
  assertEquals(again.losses, first.losses);
  for (const [id, { data }] of first.weights) assertEquals(again.weights.get(id)!.data, data, id);
  assertNotEquals(other.losses, first.losses);
}

/** A few steps of every network, and the same ones again. */
export function trainingChecks(_backend: EngineBackend): Check[] {
  return NETWORKS.flatMap(([group, build]) => [
    { group, name: `${group}: the loss falls, no tensor is left`, run: () => checkSteps(build()) },
    { group, name: `${group}: the same seed twice, another seed`, run: () => checkSeed(build()) },
  ]);
}
