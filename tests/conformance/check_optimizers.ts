/**
 * One and two steps of every optimiser, against examples worked by hand.
 *
 * @module
 */
import { assertEquals } from "@std/assert/mod.js";
import { compiled } from "../../train/engine/compiled.ts";
import { memory, read } from "../../train/engine/open.ts";
import { Optimizer, type OptimizerOptions } from "../../train/engine/optimizer.ts";
import { tf } from "../../train/engine/tf.ts";
import type { Check, EngineBackend } from "./check.ts";
import { assertClose } from "./compare.ts";
import { TOLERANCES } from "./tolerances.ts";

/** Gradients of `w` (two values) and `b` (one), one row per step, and where both end. */
interface Example {
  readonly name: string;
  readonly options: OptimizerOptions;
  readonly rate: number;
  readonly gradients: readonly (readonly [w: readonly [number, number], b: number])[];
  readonly w: readonly [number, number];
  readonly b: number;
  /** The moving average of `w`. */
  readonly average?: readonly [number, number];
}

// Everything starts at w = (1, -2), b = 3. Weight decay acts on w only.
const G = [[0.5, 0.25], 1] as const;
const EXAMPLES: readonly Example[] = [
  {
    // w - 0.1 g
    name: "SGD, no momentum",
    options: { kind: "sgd", momentum: 0 },
    rate: 0.1,
    gradients: [G],
    w: [0.95, -2.025],
    b: 2.9,
  },
  {
    // v = g, then 0.9 g + g = 1.9 g; w - 0.1 (1 + 1.9) g
    name: "SGD, momentum 0.9, two steps",
    options: { kind: "sgd" },
    rate: 0.1,
    gradients: [G, G],
    w: [0.855, -2.0725],
    b: 2.71,
  },
  {
    // g + 0.9 g = 1.9 g, then g + 0.9 * 1.9 g = 2.71 g; w - 0.1 * 4.61 g
    name: "SGD, Nesterov, two steps",
    options: { kind: "sgd", nesterov: true },
    rate: 0.1,
    gradients: [G, G],
    w: [0.7695, -2.11525],
    b: 2.539,
  },
  {
    // g + 0.1 w = (0.6, 0.05) for w, g for b
    name: "SGD, weight decay 0.1",
    options: { kind: "sgd", weightDecay: 0.1 },
    rate: 0.1,
    gradients: [G],
    w: [0.94, -2.005],
    b: 2.9,
  },
  {
    // first step: m / (1 - 0.9) = g, v / (1 - 0.999) = g^2, so w - 0.1 sign(g)
    name: "Adam, one step",
    options: { kind: "adam" },
    rate: 0.1,
    gradients: [[[0.5, -0.25], 1]],
    w: [0.9, -1.9],
    b: 2.9,
  },
  {
    // w[0]: m = 0.9 * 0.05 = 0.045, / 0.19 = 0.2368421; v = 0.999 * 0.00025 = 0.00024975, / 0.001999 = 0.1249375, root
    // 0.3534649; 0.9 - 0.1 * 0.2368421 / 0.3534649 = 0.8329942. w[1] and b have equal gradients twice: 0.1 a step.
    name: "Adam, two steps, the second without gradient in one place",
    options: { kind: "adam" },
    rate: 0.1,
    gradients: [G, [[0, 0.25], 1]],
    w: [0.8329942, -2.2],
    b: 2.8,
  },
  {
    // g + 0.5 w = (1, -0.75): the sign of w[1]'s gradient turns
    name: "Adam, decay 0.5 added to the gradient",
    options: { kind: "adam", weightDecay: 0.5 },
    rate: 0.1,
    gradients: [G],
    w: [0.9, -1.9],
    b: 2.9,
  },
  {
    // w (1 - 0.1 * 0.5) = (0.95, -1.9), then - 0.1 sign(g)
    name: "AdamW, decay 0.5 apart from the gradient",
    options: { kind: "adamw", weightDecay: 0.5 },
    rate: 0.1,
    gradients: [G],
    w: [0.85, -2],
    b: 2.9,
  },
  {
    // epsilon 0.5 beside the root: 0.1 * 0.5 / (0.5 + 0.5) and 0.1 * 0.25 / 0.75 and 0.1 * 1 / 1.5
    name: "Adam, large epsilon, other decays of moments",
    options: { kind: "adam", epsilon: 0.5, beta1: 0.5, beta2: 0.5 },
    rate: 0.1,
    gradients: [G],
    w: [0.95, -2.0333333],
    b: 2.9333333,
  },
  {
    // the norm of (3, 0, 4) is 5: gradients are divided by 5
    name: "gradients clipped to the norm 1",
    options: { kind: "sgd", momentum: 0, clipNorm: 1 },
    rate: 1,
    gradients: [[[3, 0], 4]],
    w: [0.4, -2],
    b: 2.2,
  },
  {
    // the norm is below 10: as they are
    name: "gradients below the norm are left alone",
    options: { kind: "sgd", momentum: 0, clipNorm: 10 },
    rate: 1,
    gradients: [[[3, 0], 4]],
    w: [-2, -2],
    b: -1,
  },
  {
    // w = (0.95, -2.025), then (0.9, -2.05); average (0.975, -2.0125), then (0.9375, -2.03125)
    name: "moving average with decay 0.5",
    options: { kind: "sgd", momentum: 0, ema: 0.5 },
    rate: 0.1,
    gradients: [G, G],
    w: [0.9, -2.05],
    b: 2.8,
    average: [0.9375, -2.03125],
  },
];

async function checkExample(tolerance: number, example: Example): Promise<void> {
  const before = memory();
  const start = [tf.tensor([1, -2]), tf.tensor([3])] as const;
  const variables = new Map([["w", tf.variable(start[0])], ["b", tf.variable(start[1])]]);
  const optimizer = new Optimizer(variables, example.options, new Set(["w"]));
  const standing = memory();
  for (const [w, b] of example.gradients) {
    const gradients = { w: tf.tensor([...w]), b: tf.tensor([b]) };
    compiled(() => optimizer.apply(gradients, example.rate));
    Object.values(gradients).forEach((gradient) => gradient.dispose());
  }
  assertEquals(memory().tensors, standing.tensors, "a step leaves tensors behind");
  for (const [id, wanted] of [["w", example.w], ["b", [example.b]]] as const) {
    const actual = { shape: [wanted.length], data: await read(variables.get(id)!) };
    assertClose(actual, { shape: [wanted.length], data: Float64Array.from(wanted) }, {
      tolerance,
      name: id,
    });
  }
  if (example.average !== undefined) {
    const average = (await optimizer.average()).get("w")!;
    assertClose(average, { shape: [2], data: Float64Array.from(example.average) }, {
      tolerance,
      name: "average",
    });
  }
  optimizer.dispose();
  [...variables.values(), ...start].forEach((value) => value.dispose());
  assertEquals(memory().tensors, before.tensors, "an optimiser leaves tensors behind");
}

/** Every example. */
export function optimizerChecks(backend: EngineBackend): Check[] {
  const tolerance = TOLERANCES.float32[backend].forward;
  return EXAMPLES.map((example) => ({
    group: example.options.kind,
    name: example.name,
    run: () => checkExample(tolerance, example),
  }));
}
