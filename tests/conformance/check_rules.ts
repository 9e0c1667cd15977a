/**
 * Operations against the reference: results, and gradients against differences of it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert/mod.js";
import { interpret } from "../../core/graph/mod.ts";
import { stream } from "../../core/random.ts";
import type { Named } from "../../core/tensor.ts";
import { compiled } from "../../train/engine/compiled.ts";
import { memory, read } from "../../train/engine/open.ts";
import { type Statistics, tfjsRules } from "../../train/engine/rules.ts";
import { tf } from "../../train/engine/tf.ts";
import { type Case, CASES } from "./cases.ts";
import type { Check, EngineBackend } from "./check.ts";
import { assertClose } from "./compare.ts";
import {
  batchMoments,
  dot,
  type Doubles,
  doubles,
  referenceRules,
  runReference,
  slope,
  trainingRules,
} from "./reference.ts";
import { skipOf } from "./skips.ts";
import { type Backend, forwardTolerance, TOLERANCES } from "./tolerances.ts";

/** A direction to move a value in, and the slope of the loss that way. */
interface Probe {
  readonly direction: Float64Array;
  readonly slope: number;
}

/** What the reference says of a case. */
interface Expected {
  readonly outputs: Named<Doubles>;
  /** The loss is the sum of outputs times these. */
  readonly weights: Named<Doubles>;
  readonly probes: ReadonlyMap<string, readonly Probe[]>;
}

/** Values with so few elements are moved element by element. */
const FEW = 24;

function directions(size: number, name: string): Float64Array[] {
  const random = stream(11, name);
  const unit = (i: number): Float64Array => new Float64Array(size).with(i, 1);
  if (size <= FEW) return Array.from({ length: size }, (_, i) => unit(i));
  const some = Array.from({ length: FEW / 2 }, () => unit(Math.floor(random() * size)));
  const all = Array.from(
    { length: 4 },
    () => Float64Array.from({ length: size }, () => random() < 0.5 ? -1 : 1),
  );
  return [...some, ...all];
}

function work({ name, graph, values, differentiable, training }: Case): Expected {
  const rules = training ? trainingRules : referenceRules;
  const exact = new Map([...values].map(([id, value]) => [id, doubles(value)]));
  const outputs = runReference(graph, exact, rules);
  const weights = Object.fromEntries(
    Object.entries(outputs).map(([output, { shape, data }]) => {
      const random = stream(5, `${name}/${output}`);
      return [output, { shape, data: Float64Array.from(data, () => Math.fround(2 * random() - 1)) }];
    }),
  );
  const probes = new Map(differentiable.map((id) => [
    id,
    directions(exact.get(id)!.data.length, `${name}/${id}`).map((direction) => ({
      direction,
      slope: slope({ graph, values: exact, rules }, weights, { id, direction }),
    })),
  ]));
  return { outputs, weights, probes };
}

const known = new Map<Case, Expected>();

/** Worked out once for all engines. */
function expected(test: Case): Expected {
  const ready = known.get(test) ?? work(test);
  known.set(test, ready);
  return ready;
}

function tensorsOf({ values }: Case): Map<string, tf.Tensor> {
  return new Map([...values].map(([id, { shape, data }]) => [id, tf.tensor(data, [...shape], "float32")]));
}

/** Results and statistics of a case against the reference. */
async function checkForward(backend: Backend, test: Case): Promise<void> {
  const { graph, op, name } = test;
  const { outputs } = expected(test);
  const before = memory();
  const seen: Statistics[] = [];
  const given = tensorsOf(test);
  const results = compiled(() =>
    tf.tidy(() => {
      const onStatistics = ({ running, batch, momentum }: Statistics): void => {
        seen.push({ running, batch: [tf.keep(tf.clone(batch[0])), tf.keep(tf.clone(batch[1]))], momentum });
      };
      const values = interpret(graph, tfjsRules({ training: test.training, onStatistics }), given);
      return Object.fromEntries(graph.outputs.map(({ name, id }) => [name, tf.clone(values.get(id)!)]));
    })
  );
  const tolerance = forwardTolerance(backend, op);
  for (const [output, result] of Object.entries(results)) {
    const actual = { shape: result.shape, data: await read(result) };
    assertClose(actual, outputs[output]!, { tolerance, name: `${name}, ${output}` });
  }
  const norms = test.training ? graph.nodes.filter((node) => node.op === "batchNorm") : [];
  assertEquals(seen.length, norms.length, "statistics of every batch norm in training, of none outside");
  const all = interpret(
    graph,
    test.training ? trainingRules : referenceRules,
    new Map([...test.values].map(([id, value]) => [id, doubles(value)])),
  );
  for (const [i, { batch, momentum }] of seen.entries()) {
    const norm = norms[i]!;
    const x = all.get(norm.inputs[0])!;
    const moments = batchMoments(x);
    const count = x.data.length / moments.length;
    const means = Float64Array.from(moments, ([mean]) => mean);
    // The running variance follows the unbiased one.
    const variances = Float64Array.from(moments, ([, variance]) => variance * count / (count - 1));
    assertEquals(momentum, norm.attrs.momentum);
    for (const [got, want] of [[batch[0], means], [batch[1], variances]] as const) {
      const actual = { shape: got.shape, data: await read(got) };
      assertClose(actual, { shape: [moments.length], data: want }, {
        tolerance,
        name: `${name}, statistics`,
      });
    }
    batch.forEach((value) => value.dispose());
  }
  Object.values(results).forEach((result) => result.dispose());
  given.forEach((value) => value.dispose());
  assertEquals(memory().tensors, before.tensors, `${name}: tensors left behind`);
}

/** Gradients of a case against differences of the reference, in many directions. */
async function checkGradient(tolerance: number, test: Case): Promise<void> {
  const { graph, name, differentiable, training } = test;
  const { weights, probes } = expected(test);
  const before = memory();
  const given = tensorsOf(test);
  const constants = new Map(
    Object.entries(weights).map(([output, { shape, data }]) => [
      output,
      tf.tensor(Float32Array.from(data), [...shape], "float32"),
    ]),
  );
  const loss = (...moving: tf.Tensor[]): tf.Scalar => {
    const bound = new Map(given);
    differentiable.forEach((id, i) => bound.set(id, moving[i]!));
    const values = interpret(graph, tfjsRules({ training }), bound);
    return graph.outputs
      .map(({ name, id }) => tf.sum(tf.mul(values.get(id)!, constants.get(name)!)))
      .reduce((total, part) => tf.add(total, part)) as tf.Scalar;
  };
  const gradients = compiled(() => tf.grads(loss)(differentiable.map((id) => given.get(id)!)));
  for (const [i, id] of differentiable.entries()) {
    const gradient = gradients[i]!;
    assertEquals(gradient.shape, test.values.get(id)!.shape, `${name}, shape of the gradient by ${id}`);
    const data = await read(gradient);
    const range = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    for (const { direction, slope } of probes.get(id)!) {
      const error = Math.abs(dot(data, direction) - slope) / range;
      // Independent errors of n elements add up to sqrt(n) of one.
      const allowed = tolerance * Math.sqrt(dot(direction, direction));
      assert(
        error <= allowed,
        `${name}, by ${id}: off by ${error.toExponential(2)}, may be ${allowed.toExponential(2)}`,
      );
    }
  }
  [...gradients, ...given.values(), ...constants.values()].forEach((value) => value.dispose());
  assertEquals(memory().tensors, before.tensors, `${name}: tensors left behind`);
}

/** Every case, forward and gradient, grouped by operation. */
export function ruleChecks(backend: EngineBackend): Check[] {
  const { gradient } = TOLERANCES.float32[backend];
  return CASES.flatMap((test): Check[] => {
    const part = (kind: "forward" | "gradient", run: () => Promise<void>): Check => {
      const skipped = skipOf(backend, test, kind);
      const check = { group: test.op, name: `${test.name}: ${kind}`, run };
      return skipped === undefined ? check : { ...check, skipped };
    };
    const forward = part("forward", () => checkForward(backend, test));
    if (test.differentiable.length === 0 || gradient === null) return [forward];
    return [forward, part("gradient", () => checkGradient(gradient, test))];
  });
}
