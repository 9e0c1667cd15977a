/**
 * Sessions over the JavaScript interface that both ONNX Runtime packages share.
 *
 * @module
 */
import type { InferenceSession, InferenceSessionFactory, TensorConstructor } from "onnxruntime-common";
import { type Named, pick, sizeOf, type Tensor } from "../../core/tensor.ts";
import type { Queue } from "./_queue.ts";
import type { Port, Session } from "./runtime.ts";

/** The part of an ONNX Runtime package that is used. */
export interface Ort {
  /** Opens sessions. */
  readonly InferenceSession: InferenceSessionFactory;
  /** Wraps arrays. */
  readonly Tensor: TensorConstructor;
}

/** Nothing is written to the console: what goes wrong in a call is thrown to its caller. */
const SILENT = 4;

/**
 * Loads a model into a package.
 *
 * @throws {SyntaxError} If the package refuses the model.
 */
export async function open(
  ort: Ort,
  queue: Queue,
  bytes: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<Session> {
  const refuse = (error: unknown): never => {
    throw new SyntaxError(`Cannot load model: ${message(error)}`, { cause: error });
  };
  const session = await queue.add(() =>
    ort.InferenceSession.create(bytes, { ...options, logSeverityLevel: SILENT }).catch(refuse)
  );
  try {
    return new OrtSession(ort, queue, session);
  } catch (error) {
    await session.release();
    return refuse(error);
  }
}

class OrtSession implements Session {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly #ort: Ort;
  readonly #queue: Queue;
  readonly #session: InferenceSession;
  #released: Promise<void> | undefined;

  constructor(ort: Ort, queue: Queue, session: InferenceSession) {
    this.#ort = ort;
    this.#queue = queue;
    this.#session = session;
    this.inputs = session.inputMetadata.map(port);
    this.outputs = session.outputMetadata.map(port);
  }

  async run(inputs: Named<Tensor>): Promise<Named<Tensor>> {
    if (this.#released !== undefined) throw new TypeError("Cannot run session: it was released");
    checkInputs(this.inputs, inputs);
    return await this.#queue.add(async () => {
      const feeds = Object.fromEntries(
        this.inputs.map(({ name }) => {
          const { shape, data } = pick(inputs, name);
          return [name, new this.#ort.Tensor("float32", data, shape)];
        }),
      );
      try {
        const results = await this.#session.run(feeds, { logSeverityLevel: SILENT });
        return Object.fromEntries(this.outputs.map(({ name }) => {
          const { dims, data } = results[name]!;
          return [name, { shape: [...dims], data: data as Float32Array }];
        }));
      } catch (error) {
        throw new Error(`Cannot run session: ${message(error)}`, { cause: error });
      }
    });
  }

  release(): Promise<void> {
    this.#released ??= this.#queue.add(() => this.#session.release());
    return this.#released;
  }
}

function port(meta: InferenceSession.ValueMetadata): Port {
  if (!meta.isTensor || meta.type !== "float32") {
    throw new TypeError(`"${meta.name}" is ${meta.isTensor ? meta.type : "no tensor"}, must be float32`);
  }
  return {
    name: meta.name,
    shape: meta.shape.map((side) => typeof side === "number" && side >= 0 ? side : -1),
  };
}

/**
 * Checks names, ranks and fixed sides.
 *
 * @throws {RangeError} Naming the input, what it is and what it must be.
 */
export function checkInputs(ports: readonly Port[], inputs: Named<Tensor>): void {
  for (const { name, shape } of ports) {
    const { shape: given, data } = pick(inputs, name);
    const fits = given.length === shape.length &&
      shape.every((side, axis) => side === given[axis] || side === -1 && given[axis]! >= 1);
    if (!fits) throw new RangeError(`Cannot run session: input "${name}" is [${given}], must be [${shape}]`);
    if (data.length !== sizeOf(given)) {
      throw new RangeError(
        `Cannot run session: input "${name}" has ${data.length} values, must fill [${given}]`,
      );
    }
  }
  const surplus = Object.keys(inputs).filter((name) => !ports.some((port) => port.name === name));
  if (surplus.length > 0) {
    throw new RangeError(
      `Cannot run session: there is no input "${surplus[0]}", inputs are ${
        ports.map(({ name }) => name).join(", ")
      }`,
    );
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
