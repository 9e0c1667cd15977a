/**
 * Optimisers: what a gradient does to variables. One implementation for every engine; the state can be saved and loaded.
 *
 * @module
 */
import { type Tensor, tensor } from "../../core/tensor.ts";
import { tf } from "./tf.ts";

/** How variables follow gradients. */
export interface OptimizerOptions {
  /** `sgd` with momentum, `adam` (decay added to the gradient), `adamw` (decay apart from the gradient). */
  readonly kind: "sgd" | "adam" | "adamw";
  /** SGD: momentum. @default 0.9 */
  readonly momentum?: number;
  /** SGD: Nesterov's form. @default false */
  readonly nesterov?: boolean;
  /** Adam: decay of the first moment. @default 0.9 */
  readonly beta1?: number;
  /** Adam: decay of the second moment. @default 0.999 */
  readonly beta2?: number;
  /** Adam: added to the root. @default 1e-8 */
  readonly epsilon?: number;
  /** Weight decay on the variables in `decayed`. @default 0 */
  readonly weightDecay?: number;
  /** Gradients of a larger global norm are scaled down to it; 0: never. @default 0 */
  readonly clipNorm?: number;
  /** Decay of an exponential moving average of the variables; 0: none is kept. @default 0 */
  readonly ema?: number;
}

/** Variables by name. */
export type Variables = ReadonlyMap<string, tf.Variable>;
/** Gradients by the same names. */
export type Gradients = { readonly [name: string]: tf.Tensor };

/**
 * An optimiser over a fixed set of variables.
 *
 * SGD (as PyTorch): `v = m v + g`, `w = w - lr v`; Nesterov: `w = w - lr (g + m v)`.
 * Adam (Kingma and Ba 2015, algorithm 1) and AdamW (Loshchilov and Hutter 2019, algorithm 2).
 */
export class Optimizer {
  readonly #options: Required<OptimizerOptions>;
  readonly #variables: Variables;
  readonly #decayed: ReadonlySet<string>;
  readonly #slots = new Map<string, tf.Variable>();
  #steps = 0;

  /**
   * An optimiser that has taken no step yet.
   *
   * @param variables What is moved.
   * @param options How.
   * @param decayed Names weight decay acts on. @default all
   */
  constructor(variables: Variables, options: OptimizerOptions, decayed?: ReadonlySet<string>) {
    this.#options = {
      momentum: 0.9,
      nesterov: false,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 0,
      ema: 0,
      ...options,
    };
    this.#variables = variables;
    this.#decayed = decayed ?? new Set(variables.keys());
    const names = options.kind === "sgd" ? ["velocity"] : ["first", "second"];
    for (const [id, variable] of variables) {
      for (const name of names) this.#slot(`${name}/${id}`, tf.zerosLike(variable));
      if (this.#options.ema > 0) this.#slot(`ema/${id}`, tf.clone(variable));
    }
  }

  #slot(name: string, start: tf.Tensor): void {
    this.#slots.set(name, tf.variable(start, false));
    start.dispose();
  }

  /** Variables it moves. */
  get variables(): Variables {
    return this.#variables;
  }

  /**
   * One step.
   *
   * @param gradients One per variable; not disposed of here.
   * @param learningRate Of this step.
   * @returns Global norm of the gradients before clipping as a scalar when clipping, otherwise `undefined`.
   */
  apply(gradients: Gradients, learningRate: number): void {
    this.#steps += 1;
    const { clipNorm, ema } = this.#options;
    tf.tidy(() => {
      const scale = clipNorm > 0
        ? tf.minimum(1, tf.div(clipNorm, tf.add(globalNorm(Object.values(gradients)), 1e-6)))
        : undefined;
      for (const [id, variable] of this.#variables) {
        const raw = gradients[id];
        if (raw === undefined) throw new RangeError(`Cannot step: "${id}" has no gradient`);
        const gradient = scale === undefined ? raw : tf.mul(raw, scale);
        variable.assign(this.#moved(id, variable, gradient, learningRate));
        if (ema > 0) {
          const average = this.#slots.get(`ema/${id}`)!;
          average.assign(tf.add(tf.mul(average, ema), tf.mul(variable, 1 - ema)));
        }
      }
    });
  }

  #moved(id: string, variable: tf.Variable, raw: tf.Tensor, rate: number): tf.Tensor {
    const { kind, momentum, nesterov, beta1, beta2, epsilon, weightDecay } = this.#options;
    const decay = this.#decayed.has(id) ? weightDecay : 0;
    const gradient = decay > 0 && kind !== "adamw" ? tf.add(raw, tf.mul(variable, decay)) : raw;
    if (kind === "sgd") {
      const velocity = this.#slots.get(`velocity/${id}`)!;
      velocity.assign(tf.add(tf.mul(velocity, momentum), gradient));
      const direction = nesterov ? tf.add(gradient, tf.mul(velocity, momentum)) : velocity;
      return tf.sub(variable, tf.mul(direction, rate));
    }
    const first = this.#slots.get(`first/${id}`)!;
    const second = this.#slots.get(`second/${id}`)!;
    first.assign(tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1)));
    second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
    const root = tf.add(tf.sqrt(tf.mul(second, 1 / (1 - beta2 ** this.#steps))), epsilon);
    const step = tf.mul(tf.div(first, root), rate / (1 - beta1 ** this.#steps));
    const kept = decay > 0 && kind === "adamw" ? tf.mul(variable, 1 - rate * decay) : variable;
    return tf.sub(kept, step);
  }

  /** The moving averages of the variables by name; empty without `ema`. */
  async average(): Promise<Map<string, Tensor>> {
    const all = await this.state();
    return new Map(
      [...all].filter(([name]) => name.startsWith("ema/")).map(([name, value]) => [name.slice(4), value]),
    );
  }

  /** Everything but the variables: slots and the number of steps, to be saved. */
  async state(): Promise<Map<string, Tensor>> {
    const slots = await Promise.all(
      [...this.#slots].map(async ([name, slot]): Promise<[string, Tensor]> => [
        name,
        { shape: slot.shape, data: (await slot.data<"float32">()).slice() },
      ]),
    );
    return new Map([["steps", tensor([1], Float32Array.of(this.#steps))], ...slots]);
  }

  /**
   * Takes up a saved state.
   *
   * @throws {RangeError} If it is not one of this optimiser.
   */
  load(state: ReadonlyMap<string, Tensor>): void {
    const steps = state.get("steps");
    if (steps === undefined || state.size !== this.#slots.size + 1) {
      throw new RangeError(`Cannot load optimiser: ${state.size} arrays, must be ${this.#slots.size + 1}`);
    }
    for (const [name, slot] of this.#slots) {
      const saved = state.get(name);
      if (saved === undefined || saved.shape.join() !== slot.shape.join()) {
        throw new RangeError(`Cannot load optimiser: "${name}" is missing or misshapen`);
      }
      const value = tf.tensor(saved.data, slot.shape);
      slot.assign(value);
      value.dispose();
    }
    this.#steps = steps.data[0]!;
  }

  /** Frees the slots. */
  dispose(): void {
    for (const slot of this.#slots.values()) slot.dispose();
  }
}

/** Root of the sum of all squares, a scalar. */
function globalNorm(gradients: readonly tf.Tensor[]): tf.Tensor {
  return tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
}

/** How the learning rate moves. */
export interface Schedule {
  /** Learning rate after warm-up. */
  readonly base: number;
  /** `constant`; `step`: times `factor` at every milestone; `cosine`: half a cosine down to 0 at `total`. */
  readonly kind: "constant" | "step" | "cosine";
  /** Steps from 0 up to `base`, linearly. @default 0 */
  readonly warmup?: number;
  /** Steps in all (cosine). */
  readonly total?: number;
  /** Steps at which the rate falls. */
  readonly milestones?: readonly number[];
  /** What it is multiplied with there. @default 0.1 */
  readonly factor?: number;
}

/** Learning rate at a step, counted from 0. */
export function rateAt(
  { base, kind, warmup = 0, total, milestones = [], factor = 0.1 }: Schedule,
  step: number,
): number {
  if (step < warmup) return base * (step + 1) / warmup;
  if (kind === "step") return base * factor ** milestones.filter((milestone) => step >= milestone).length;
  if (kind === "constant") return base;
  if (total === undefined) throw new RangeError("Cannot follow cosine: total is missing");
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
  return base * 0.5 * (1 + Math.cos(Math.PI * progress));
}
