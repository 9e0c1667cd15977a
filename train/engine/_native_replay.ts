/**
 * Many operations as one native call.
 *
 * TensorFlow runs a graph faster than its operations one by one: its threads stay awake, operations that do not wait for each
 * other run side by side, neighbours are fused, and nothing returns to JavaScript in between. So the addon is wrapped: inside
 * {@linkcode Replay.run} operations are compared with those of earlier runs, and as long as they are the same, only written
 * down. Where they end as an earlier run did, TensorFlow runs that one's graph on the tensors of this one.
 *
 * What is computed depends on the operations alone, not on what ran before: the first run of a graph throws away what the single
 * operations gave and takes the graph's results too. A run that was interrupted goes on with the same numbers.
 *
 * @module
 */
import type { Attribute, Binding, Handle, TensorFacts, Values } from "./_native_binding.ts";
import {
  encodeProgram,
  feedName,
  type Operation,
  type Program,
  resultName,
  type Source,
  TAG,
} from "./_native_program.ts";
import { silently } from "./_native_silence.ts";
import type { CompileLimits, Compiler } from "./compiled.ts";

/** Inputs that TensorFlow wants to know when it plans a graph: shapes, axes, paddings. -1: the last one. */
const CONSTANT_INPUTS: Readonly<Record<string, readonly number[]>> = {
  All: [1],
  Any: [1],
  ArgMax: [1],
  ArgMin: [1],
  AvgPoolGrad: [0],
  BroadcastTo: [1],
  ConcatV2: [-1],
  Conv2DBackpropFilter: [1],
  Conv2DBackpropInput: [0],
  Cumprod: [1],
  Cumsum: [1],
  DepthwiseConv2dNativeBackpropFilter: [1],
  DepthwiseConv2dNativeBackpropInput: [0],
  ExpandDims: [1],
  Fill: [0],
  GatherV2: [2],
  Max: [1],
  Mean: [1],
  Min: [1],
  MirrorPad: [1],
  OneHot: [1],
  PadV2: [1],
  Prod: [1],
  Reshape: [1],
  ResizeBilinear: [1],
  ResizeNearestNeighbor: [1],
  ReverseV2: [1],
  Slice: [1, 2],
  SplitV: [1, 2],
  StridedSlice: [1, 2, 3],
  Sum: [1],
  Tile: [1],
  Transpose: [1],
};
/** Constants have few values; labels and indices are no constants. */
const MOST_CONSTANTS = 64;
/** They give something else every time, or act on something outside. */
const UNREPEATABLE = /^(Random|Multinomial|Write)/;

/** A tensor as tfjs knows it, by an id of ours. */
interface Held extends TensorFacts {
  /** TensorFlow's id; absent while it was not written or computed. */
  real?: number;
  /** What is still to be written. */
  readonly values?: Values;
  /** What was written, if it can be a constant. */
  readonly integers?: readonly number[];
}

/** A point in the runs known so far: which operations may follow, and the graph that ends here. */
interface Place {
  readonly operation?: Operation;
  readonly next: Map<string, Place>;
  program?: Compiled;
}

/** A graph TensorFlow has loaded. */
interface Compiled {
  readonly model: number;
  /** Names of its feeds, joined. */
  readonly feeds: string;
}

/** One run. */
interface Scope {
  /** `replaying`: nothing was computed yet; `recording`: everything was; `plain`: no graph can come of it. */
  state: "replaying" | "recording" | "plain";
  place: Place;
  readonly keys: string[];
  readonly operations: Operation[];
  /** Ids handed out, by operation and output. */
  readonly ids: number[][];
  /** Ids from outside that were used. */
  readonly feeds: number[];
  readonly feedOf: Map<number, number>;
  /** Where ids made in this run are from. */
  readonly made: Map<number, Source & { readonly from: "result" }>;
  /** Ids from outside that were disposed of and may still be read. */
  readonly doomed: number[];
}

/** An addon whose operations can be run many at once. */
export class Replay implements Compiler {
  /** In the addon's place; its ids are its own. */
  readonly binding: Binding;
  limits: CompileLimits = { values: 1 << 22, programs: 64 };
  readonly #addon: Binding;
  readonly #held = new Map<number, Held>();
  readonly #start: Place = { next: new Map() };
  #programs = 0;
  #ids = 0;
  #scope: Scope | undefined;

  /** @param addon What computes. */
  constructor(addon: Binding) {
    this.#addon = addon;
    const own: Partial<Binding> = {
      createTensor: (shape, dtype, values) => this.#create(shape, dtype, values),
      deleteTensor: (id) => this.#delete(id),
      tensorDataSync: (id) => this.#read(id),
      executeOp: (name, attrs, inputs, outputs) => this.#execute(name, attrs, inputs, outputs),
    };
    // The addon's properties can neither be listed nor assigned, so they are inherited and covered.
    const covers = Object.entries(own).map(([name, value]) => [name, { value }]);
    this.binding = Object.create(addon, Object.fromEntries(covers)) as Binding;
  }

  get programs(): number {
    return this.#programs;
  }

  run<T>(f: () => T): T {
    if (this.#scope !== undefined) return f();
    const scope: Scope = {
      state: "replaying",
      place: this.#start,
      keys: [],
      operations: [],
      ids: [],
      feeds: [],
      feedOf: new Map(),
      made: new Map(),
      doomed: [],
    };
    this.#scope = scope;
    try {
      const result = this.#guarded(scope, f);
      this.#finish(scope);
      return result;
    } finally {
      this.#scope = undefined;
      for (const id of scope.doomed) this.#delete(id);
    }
  }

  /** Where `f` throws, what it made before has its values: whoever catches it may read them. */
  #guarded<T>(scope: Scope, f: () => T): T {
    try {
      return f();
    } catch (error) {
      try {
        this.#plainly(scope);
      } catch {
        // What failed first is what is reported; what has no value says so when it is read.
      }
      throw error;
    }
  }

  #create(shape: readonly number[], dtype: number, values: Values): number {
    const id = this.#ids++;
    const small = values.length <= MOST_CONSTANTS;
    const integers = small && dtype === this.#addon.TF_INT32 ? { integers: Array.from(values) } : {};
    this.#held.set(
      id,
      // Most of what is made in a run is small and becomes a constant.
      small && this.#scope?.state === "replaying"
        ? { shape, dtype, values: values.slice(), ...integers }
        : { shape, dtype, real: this.#addon.createTensor(shape, dtype, values), ...integers },
    );
    return id;
  }

  #delete(id: number): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    const scope = this.#scope;
    if (scope !== undefined && scope.state !== "plain" && !scope.made.has(id)) {
      scope.doomed.push(id);
      return;
    }
    this.#held.delete(id);
    if (held.real !== undefined) this.#addon.deleteTensor(held.real);
  }

  #read(id: number): Values {
    const scope = this.#scope;
    if (scope?.made.has(id)) this.#plainly(scope);
    return this.#addon.tensorDataSync(this.#real(id));
  }

  #real(id: number): number {
    const held = this.#held.get(id);
    if (held === undefined) throw new Error(`Cannot use tensor ${id}: it was disposed of`);
    if (held.real === undefined) {
      if (held.values === undefined) throw new Error(`Cannot use tensor ${id}: what computes it has failed`);
      held.real = this.#addon.createTensor(held.shape, held.dtype, held.values);
    }
    return held.real;
  }

  #execute(name: string, attrs: readonly Attribute[], inputs: readonly number[], outputs: number): Handle[] {
    const scope = this.#scope;
    if (scope !== undefined && UNREPEATABLE.test(name)) this.#plainly(scope);
    if (scope === undefined || scope.state === "plain") return this.#now(name, attrs, inputs, outputs);
    const sources = inputs.map((id, at) => this.#source(scope, id, isConstant(name, at, inputs.length)));
    const key = keyOf(name, attrs, sources.map(([, key]) => key));
    if (scope.state === "replaying") {
      const next = scope.place.next.get(key);
      if (next !== undefined) {
        scope.place = next;
        return this.#written(scope, key, next.operation!);
      }
      this.#catchUp(scope);
      scope.state = "recording";
    }
    const made = this.#addon.executeOp(name, attrs, inputs.map((id) => this.#real(id)), outputs);
    const facts = made.map(({ shape, dtype }) => ({ shape, dtype }));
    const operation = { name, attrs, inputs: sources.map(([source]) => source), outputs: facts };
    const handles = this.#written(scope, key, operation);
    handles.forEach(({ id }, output) => this.#held.get(id)!.real = made[output]!.id);
    return handles;
  }

  #now(name: string, attrs: readonly Attribute[], inputs: readonly number[], outputs: number): Handle[] {
    const made = this.#addon.executeOp(name, attrs, inputs.map((id) => this.#real(id)), outputs);
    return made.map(({ id: real, shape, dtype }) => {
      const id = this.#ids++;
      this.#held.set(id, { shape, dtype, real });
      return { id, shape, dtype };
    });
  }

  /** Writes an operation down and hands out ids for its outputs. */
  #written(scope: Scope, key: string, operation: Operation): Handle[] {
    const at = scope.operations.length;
    scope.keys.push(key);
    scope.operations.push(operation);
    const handles = operation.outputs.map(({ shape, dtype }, output) => {
      const id = this.#ids++;
      this.#held.set(id, { shape, dtype });
      scope.made.set(id, { from: "result", operation: at, output });
      return { id, shape: [...shape], dtype };
    });
    scope.ids.push(handles.map(({ id }) => id));
    return handles;
  }

  /** Where an input is from, and a text that is the same in runs in which it means the same. */
  #source(scope: Scope, id: number, constant: boolean): [Source, string] {
    const made = scope.made.get(id);
    if (made !== undefined) return [made, `${made.operation}.${made.output}`];
    const held = this.#held.get(id);
    if (held === undefined) throw new Error(`Cannot use tensor ${id}: it was disposed of`);
    const { shape, dtype, integers } = held;
    if (constant && integers !== undefined) {
      return [{ from: "constant", shape, values: integers }, `[${shape}]=${integers}`];
    }
    let feed = scope.feedOf.get(id);
    if (feed === undefined) {
      feed = scope.feeds.push(id) - 1;
      scope.feedOf.set(id, feed);
    }
    return [{ from: "feed", feed }, `f${feed}:${dtype}[${shape}]`];
  }

  /** Computes what was only written down, one operation after the other. */
  #catchUp({ operations, ids, feeds }: Scope): void {
    const last = new Map<string, number>();
    operations.forEach(({ inputs }, at) => {
      for (const source of inputs) if (source.from === "result") last.set(nameOf(source), at);
    });
    const computed = new Map<string, number>();
    const constants: number[] = [];
    const drop = (name: string, id: number): void => {
      if (this.#held.has(id)) return;
      this.#addon.deleteTensor(computed.get(name)!);
      computed.delete(name);
    };
    const real = (source: Source): number => {
      if (source.from === "feed") return this.#real(feeds[source.feed]!);
      if (source.from === "result") return computed.get(nameOf(source))!;
      const values = Int32Array.from(source.values);
      return constants[
        constants.push(this.#addon.createTensor(source.shape, this.#addon.TF_INT32, values)) - 1
      ]!;
    };
    operations.forEach(({ name, attrs, inputs, outputs }, at) => {
      const made = this.#addon.executeOp(name, attrs, inputs.map(real), outputs.length);
      made.forEach(({ id }, output) => {
        const result = nameOf({ operation: at, output });
        computed.set(result, id);
        const held = this.#held.get(ids[at]![output]!);
        if (held !== undefined) held.real = id;
        else if (!last.has(result)) drop(result, ids[at]![output]!);
      });
      const used = new Map(inputs.flatMap((s) => s.from === "result" ? [[nameOf(s), s] as const] : []));
      for (const [result, { operation, output }] of used) {
        if (last.get(result) === at) drop(result, ids[operation]![output]!);
      }
    });
    for (const id of constants) this.#addon.deleteTensor(id);
  }

  /** Goes on without a graph. */
  #plainly(scope: Scope): void {
    if (scope.state === "replaying") this.#catchUp(scope);
    scope.state = "plain";
  }

  #finish(scope: Scope): void {
    if (scope.state === "replaying" && scope.place.program === undefined) {
      this.#catchUp(scope);
      scope.state = "recording";
    }
    if (scope.state === "recording") {
      if (!this.#isWorthwhile(scope)) return;
      scope.place = this.#compile(scope);
    }
    if (scope.state !== "plain") this.#compute(scope, scope.place.program!);
  }

  #isWorthwhile({ operations }: Scope): boolean {
    if (operations.length === 0 || this.#programs >= this.limits.programs) return false;
    const values = operations.flatMap(({ outputs }) => outputs.map(({ shape }) => sizeOf(shape)));
    return values.reduce((sum, size) => sum + size, 0) >= this.limits.values;
  }

  /** Remembers the graph of a run and the way there. */
  #compile({ operations, keys, feeds }: Scope): Place {
    if (this.#programs === 0) silently(() => this.#greet());
    const model = this.#load({ operations, feeds: feeds.map((id) => this.#held.get(id)!) });
    this.#programs++;
    let place = this.#start;
    keys.forEach((key, at) => {
      const next: Place = place.next.get(key) ?? { operation: operations[at]!, next: new Map() };
      place.next.set(key, next);
      place = next;
    });
    place.program = { model, feeds: feeds.map((_, feed) => feedName(feed)).join() };
    return place;
  }

  #load(program: Program): number {
    const folder = Deno.makeTempDirSync({ prefix: "saccade-graph-" });
    try {
      Deno.writeFileSync(`${folder}/saved_model.pb`, encodeProgram(program, this.#addon));
      return this.#addon.loadSavedModel(folder, TAG);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  }

  /** The first graph of a process has TensorFlow say that it leaves out a compiler: here it is one that does nothing. */
  #greet(): void {
    const dtype = this.#addon.TF_INT32;
    const attrs = [{ name: "T", type: this.#addon.TF_ATTR_TYPE, value: dtype }];
    const [zero, facts] = [{ from: "constant", shape: [], values: [0] } as const, { shape: [], dtype }];
    const model = this.#load({
      feeds: [],
      operations: [{ name: "Identity", attrs, inputs: [zero], outputs: [facts] }],
    });
    for (const { id } of this.#addon.runSavedModel(model, [], "", resultName(0, 0))) {
      this.#addon.deleteTensor(id);
    }
    this.#addon.deleteSavedModel(model);
  }

  /** Has a graph compute what is still wanted of a run. */
  #compute({ ids, feeds }: Scope, { model, feeds: names }: Compiled): void {
    const wanted = ids.flatMap((outputs, operation) =>
      outputs.flatMap((id, output) => {
        const held = this.#held.get(id);
        return held === undefined ? [] : [{ held, name: resultName(operation, output) }];
      })
    );
    // In the run that is compiled the single operations have given them already.
    for (const { held } of wanted) {
      if (held.real !== undefined) this.#addon.deleteTensor(held.real);
      delete held.real;
    }
    if (wanted.length === 0) return;
    const outputs = wanted.map(({ name }) => name).join();
    const made = this.#addon.runSavedModel(model, feeds.map((id) => this.#real(id)), names, outputs);
    made.forEach(({ id }, at) => wanted[at]!.held.real = id);
  }
}

function isConstant(name: string, input: number, inputs: number): boolean {
  return CONSTANT_INPUTS[name]?.some((at) => (at < 0 ? inputs + at : at) === input) === true;
}

function keyOf(name: string, attrs: readonly Attribute[], inputs: readonly string[]): string {
  return `${name}(${inputs.join()}){${attrs.map(({ name, value }) => `${name}=${value}`).join(";")}}`;
}

const nameOf = ({ operation, output }: { readonly operation: number; readonly output: number }): string =>
  resultName(operation, output);

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);
