/**
 * A network being trained: its variables, its forward pass in either mode, its running statistics.
 *
 * @module
 */
import {
  checkWeights,
  type Graph,
  initialize,
  isDecayed,
  isTrainable,
  type Role,
  rolesOf,
  verify,
  type Weights,
} from "../../core/graph/mod.ts";
import { stream } from "../../core/random.ts";
import type { Tensor } from "../../core/tensor.ts";
import { hasRectifiedBatchNorm } from "./native_kernels.ts";
import { pack, unpack } from "./_packed.ts";
import { type RectifiedGraph, rectify, unrectified } from "./_rectified.ts";
import { runGraph, type Statistics } from "./rules.ts";
import { tf } from "./tf.ts";

/** Outputs of a graph by name. */
export type Outputs = { readonly [name: string]: tf.Tensor };

/** A network on the open engine. Dispose of it when done. */
export class Learner {
  /** Its graph. */
  readonly graph: Graph;
  /** What is run in training. */
  readonly #training: RectifiedGraph;
  readonly #roles: ReadonlyMap<string, Role>;
  readonly #variables: ReadonlyMap<string, tf.Variable>;
  #pending: Statistics[] = [];
  #dropouts = 0;

  /**
   * A network with given weights.
   *
   * @param graph Verified here.
   * @param weights Exactly the parameters of the graph.
   */
  constructor(graph: Graph, weights: Weights) {
    verify(graph);
    checkWeights(graph, weights);
    this.graph = graph;
    this.#training = hasRectifiedBatchNorm() ? rectify(graph) : unrectified(graph);
    this.#roles = rolesOf(graph);
    this.#variables = new Map(graph.params.map(({ id, shape }) => {
      const start = tf.tensor(weights.get(id)!.data, [...shape]);
      const variable = tf.variable(start, isTrainable(this.#roles.get(id)!));
      start.dispose();
      return [id, variable];
    }));
  }

  /** A network with fresh weights; every parameter has its own stream of the seed. */
  static fresh(graph: Graph, seed: number): Learner {
    return new Learner(graph, initialize(graph, (id) => stream(seed, `init/${graph.name}/${id}`)));
  }

  /** Variables learned by gradient, by name. */
  get trainable(): Map<string, tf.Variable> {
    return new Map([...this.#variables].filter(([, { trainable }]) => trainable));
  }

  /** Names of the variables weight decay acts on. */
  get decayed(): Set<string> {
    return new Set([...this.#roles].filter(([, role]) => isDecayed(role)).map(([id]) => id));
  }

  /** Outputs with running statistics; call inside a tidy. */
  predict(inputs: Readonly<Record<string, tf.Tensor>>): Outputs {
    return runGraph(this.graph, this.#bind(inputs), { training: false });
  }

  /**
   * Outputs with batch statistics and dropout; call inside a tidy or a gradient. The new statistics are kept until
   * {@link settle}.
   */
  train(inputs: Readonly<Record<string, tf.Tensor>>, seed = 0): Outputs {
    const { graph, rectified } = this.#training;
    return runGraph(graph, this.#bind(inputs), {
      training: true,
      rectified,
      seeds: () => Math.imul(seed, 0x9e3779b1) + this.#dropouts++,
      onStatistics: ({ running, batch, momentum }) => {
        this.#pending.push({ running, batch: [tf.keep(batch[0]), tf.keep(batch[1])], momentum });
      },
    });
  }

  /** Blends the statistics of all {@link train} calls since the last time into the running ones, in order. */
  settle(): void {
    let rest = this.#pending;
    while (rest.length > 0) {
      // One round takes what can be blended side by side: every statistic once, with the same momentum.
      const [seen, later] = [new Set<tf.Tensor>(), [] as Statistics[]];
      const now = rest.filter((each) => {
        const fits = each.momentum === rest[0]!.momentum && !seen.has(each.running[0]);
        if (fits) seen.add(each.running[0]);
        else later.push(each);
        return fits;
      });
      blend(now);
      rest = later;
    }
    this.#pending = [];
    this.#dropouts = 0;
  }

  /** Forgets statistics that were not settled, after a failed step. */
  forget(): void {
    for (const { batch } of this.#pending) batch.forEach((each) => each.dispose());
    this.#pending = [];
    this.#dropouts = 0;
  }

  /** Copies of all parameters. */
  async weights(): Promise<Map<string, Tensor>> {
    const entries = await Promise.all(
      [...this.#variables].map(async ([id, variable]): Promise<[string, Tensor]> => [
        id,
        // slice(): some backends hand out memory they use again
        { shape: variable.shape, data: (await variable.data<"float32">()).slice() },
      ]),
    );
    return new Map(entries);
  }

  /** Replaces all parameters. */
  load(weights: Weights): void {
    checkWeights(this.graph, weights);
    for (const [id, variable] of this.#variables) {
      const value = tf.tensor(weights.get(id)!.data, variable.shape);
      variable.assign(value);
      value.dispose();
    }
  }

  /** Frees all variables. */
  dispose(): void {
    this.forget();
    for (const variable of this.#variables.values()) variable.dispose();
  }

  #bind(inputs: Readonly<Record<string, tf.Tensor>>): Map<string, tf.Tensor> {
    return new Map<string, tf.Tensor>([...this.#variables, ...Object.entries(inputs)]);
  }
}

/** Moves running statistics towards those of a batch and frees the latter. All have the same momentum. */
function blend(statistics: readonly Statistics[]): void {
  const running = statistics.flatMap((each) => each.running) as tf.Variable[];
  const fresh = statistics.flatMap(({ batch }) => batch);
  tf.tidy(() => {
    const old = pack(running);
    const blended = tf.add(old, tf.mul(tf.sub(pack(fresh), old), statistics[0]!.momentum));
    unpack(blended, running.map(({ shape }) => shape)).forEach((value, k) => running[k]!.assign(value));
  });
  tf.dispose(fresh);
}
