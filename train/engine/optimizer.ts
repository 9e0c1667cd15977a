/**
 * Optimisers: what a gradient does to variables. One implementation for every engine; the state can be saved and loaded.
 *
 * @module
 */
import { type Tensor, tensor } from "../../core/tensor.ts";
import { pack, unpack } from "./_packed.ts";
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

/** Variables with more values move alone: copying them side by side would cost more than it saves. */
const LARGE = 1 << 17;

/** Variables that move as one: small ones that are decayed alike, or a large one. */
interface Group {
  readonly ids: readonly string[];
  readonly variables: readonly tf.Variable[];
  /** Shape of each variable. */
  readonly shapes: readonly (readonly number[])[];
  readonly decayed: boolean;
  /** Packed like the variables. */
  readonly slots: ReadonlyMap<SlotName, tf.Variable>;
}

type SlotName = "velocity" | "first" | "second" | "ema";

/** New values of variables, given their slots, values and gradients. */
type Move = (group: Group, values: tf.Tensor, gradient: tf.Tensor) => tf.Tensor;

/**
 * An optimiser over a fixed set of variables.
 *
 * SGD (as PyTorch): `v = m v + g`, `w = w - lr v`; Nesterov: `w = w - lr (g + m v)`.
 * Adam (Kingma and Ba 2015, algorithm 1) and AdamW (Loshchilov and Hutter 2019, algorithm 2).
 */
export class Optimizer {
  readonly #options: Required<OptimizerOptions>;
  readonly #variables: Variables;
  readonly #groups: readonly Group[];
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
    const names: SlotName[] = options.kind === "sgd" ? ["velocity"] : ["first", "second"];
    if (this.#options.ema > 0) names.push("ema");
    this.#groups = grouped([...variables.keys()], (id) => {
      return variables.get(id)!.size > LARGE ? `large ${id}` : `small ${decayed?.has(id) ?? true}`;
    }).map((ids) => {
      const own = ids.map((id) => variables.get(id)!);
      return {
        ids,
        variables: own,
        shapes: own.map(({ shape }) => shape),
        decayed: decayed?.has(ids[0]!) ?? true,
        slots: new Map(names.map((name) => [name, slotOf(name, own)])),
      };
    });
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
   * @throws {RangeError} If a variable has no gradient; nothing has moved then.
   */
  apply(gradients: Gradients, learningRate: number): void {
    const { clipNorm, ema } = this.#options;
    tf.tidy(() => {
      const raw = this.#groups.map(({ ids }) => pack(ids.map((id) => gradientOf(gradients, id))));
      this.#steps += 1;
      const scale = clipNorm > 0 ? tf.minimum(1, tf.div(clipNorm, tf.add(globalNorm(raw), 1e-6))) : undefined;
      const move = this.#moves(learningRate);
      const [kept, added] = [tf.scalar(ema), tf.scalar(1 - ema)];
      this.#groups.forEach((group, i) =>
        tf.tidy(() => {
          const gradient = scale === undefined ? raw[i]! : tf.mul(raw[i]!, scale);
          const values = move(group, pack(group.variables), gradient);
          unpack(values, group.shapes).forEach((value, k) => group.variables[k]!.assign(value));
          const average = group.slots.get("ema");
          average?.assign(tf.add(tf.mul(average, kept), tf.mul(values, added)));
        })
      );
    });
  }

  /** The rule of this step; numbers become scalars once, not for every variable. */
  #moves(learningRate: number): Move {
    const { kind, momentum, nesterov, beta1, beta2, epsilon, weightDecay } = this.#options;
    const rate = tf.scalar(learningRate);
    const decay = tf.scalar(weightDecay);
    const regular = (group: Group, values: tf.Tensor, gradient: tf.Tensor): tf.Tensor =>
      group.decayed && weightDecay > 0 ? tf.add(gradient, tf.mul(values, decay)) : gradient;
    if (kind === "sgd") {
      const inertia = tf.scalar(momentum);
      return (group, values, raw) => {
        const gradient = regular(group, values, raw);
        const slot = group.slots.get("velocity")!;
        const velocity = tf.add(tf.mul(slot, inertia), gradient);
        slot.assign(velocity);
        const direction = nesterov ? tf.add(gradient, tf.mul(velocity, inertia)) : velocity;
        return tf.sub(values, tf.mul(direction, rate));
      };
    }
    const [keep1, add1, keep2, add2] = [beta1, 1 - beta1, beta2, 1 - beta2].map((x) => tf.scalar(x));
    const unbiased = tf.scalar(1 / (1 - beta2 ** this.#steps));
    const least = tf.scalar(epsilon);
    const stride = tf.scalar(learningRate / (1 - beta1 ** this.#steps));
    const shrink = tf.scalar(1 - learningRate * weightDecay);
    return (group, values, raw) => {
      const gradient = kind === "adam" ? regular(group, values, raw) : raw;
      const [slot1, slot2] = [group.slots.get("first")!, group.slots.get("second")!];
      const first = tf.add(tf.mul(slot1, keep1!), tf.mul(gradient, add1!));
      const second = tf.add(tf.mul(slot2, keep2!), tf.mul(tf.square(gradient), add2!));
      slot1.assign(first);
      slot2.assign(second);
      const step = tf.mul(tf.div(first, tf.add(tf.sqrt(tf.mul(second, unbiased)), least)), stride);
      const kept = kind === "adamw" && group.decayed && weightDecay > 0 ? tf.mul(values, shrink) : values;
      return tf.sub(kept, step);
    };
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
      this.#groups.flatMap((group) =>
        [...group.slots].map(async ([name, slot]): Promise<[string, Tensor][]> => {
          const data = await slot.data<"float32">();
          let at = 0;
          return group.variables.map(({ shape, size }, k) => [
            `${name}/${group.ids[k]!}`,
            // slice(): some backends hand out memory they use again
            { shape, data: data.slice(at, at += size) },
          ]);
        })
      ),
    );
    return new Map([["steps", tensor([1], Float32Array.of(this.#steps))], ...slots.flat()]);
  }

  /**
   * Takes up a saved state.
   *
   * @throws {RangeError} If it is not one of this optimiser.
   */
  load(state: ReadonlyMap<string, Tensor>): void {
    const steps = state.get("steps");
    const arrays = 1 + this.#groups.reduce((sum, { ids, slots }) => sum + ids.length * slots.size, 0);
    if (steps === undefined || state.size !== arrays) {
      throw new RangeError(`Cannot load optimiser: ${state.size} arrays, must be ${arrays}`);
    }
    const loaded = this.#groups.flatMap((group) =>
      [...group.slots].map(([name, slot]): [tf.Variable, Float32Array] => {
        const values = new Float32Array(slot.size);
        let at = 0;
        group.variables.forEach(({ shape, size }, k) => {
          const saved = state.get(`${name}/${group.ids[k]!}`);
          if (saved === undefined || saved.shape.join() !== shape.join()) {
            throw new RangeError(`Cannot load optimiser: "${name}/${group.ids[k]!}" is missing or misshapen`);
          }
          values.set(saved.data, at);
          at += size;
        });
        return [slot, values];
      })
    );
    for (const [slot, values] of loaded) {
      const value = tf.tensor(values, slot.shape);
      slot.assign(value);
      value.dispose();
    }
    this.#steps = steps.data[0]!;
  }

  /** Frees the slots. */
  dispose(): void {
    for (const { slots } of this.#groups) tf.dispose([...slots.values()]);
  }
}

/** Names in order, those with the same key together. */
function grouped(ids: readonly string[], keyOf: (id: string) => string): string[][] {
  const groups = new Map<string, string[]>();
  for (const id of ids) groups.set(keyOf(id), [...groups.get(keyOf(id)) ?? [], id]);
  return [...groups.values()];
}

function slotOf(name: SlotName, variables: readonly tf.Variable[]): tf.Variable {
  return tf.tidy(() => {
    const values = pack(variables);
    return tf.variable(name === "ema" ? tf.clone(values) : tf.zerosLike(values), false);
  });
}

function gradientOf(gradients: Gradients, id: string): tf.Tensor {
  const gradient = gradients[id];
  if (gradient === undefined) throw new RangeError(`Cannot step: "${id}" has no gradient`);
  return gradient;
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
