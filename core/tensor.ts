/**
 * Arrays as they cross every boundary of the project: dense, row-major, `float32`.
 *
 * @module
 */

/** A dense row-major array; `data.length` is the product of `shape`. */
export interface Tensor {
  /** Length of every axis. */
  readonly shape: readonly number[];
  /** Values, last axis fastest. */
  readonly data: Float32Array;
}

/** Tensors by name. */
export type Named<V> = { readonly [name: string]: V };

/** Number of values of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * Pairs data with its shape.
 *
 * @throws {RangeError} If the data does not fill the shape exactly.
 */
export function tensor(
  shape: readonly number[],
  data: Float32Array = new Float32Array(sizeOf(shape)),
): Tensor {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(
      `Cannot make tensor: data has ${data.length} values, shape [${shape}] needs ${sizeOf(shape)}`,
    );
  }
  return { shape, data };
}

/**
 * The named tensor.
 *
 * @throws {RangeError} If there is none of that name.
 */
export function pick<V>(named: Named<V>, name: string): V {
  const value = named[name];
  if (value === undefined) {
    throw new RangeError(`Cannot read "${name}": there is ${Object.keys(named).join(", ") || "nothing"}`);
  }
  return value;
}

/**
 * Rows `[from, to)` of the first axis, sharing memory.
 *
 * @throws {RangeError} If the rows are outside.
 */
export function rows(x: Tensor, from: number, to: number): Tensor {
  const count = x.shape[0] ?? 0;
  if (from < 0 || to > count || from > to) {
    throw new RangeError(`Cannot take rows ${from} to ${to}: tensor has ${count}`);
  }
  const width = sizeOf(x.shape.slice(1));
  return { shape: [to - from, ...x.shape.slice(1)], data: x.data.subarray(from * width, to * width) };
}

/**
 * Tensors joined along the first axis.
 *
 * @throws {RangeError} If there are none or the other axes differ.
 */
export function concatRows(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new RangeError("Cannot join tensors: there are none");
  if (parts.length === 1) return first;
  const rest = first.shape.slice(1);
  const data = new Float32Array(parts.reduce((total, part) => total + part.data.length, 0));
  let offset = 0;
  let count = 0;
  for (const part of parts) {
    if (part.shape.slice(1).join() !== rest.join()) {
      throw new RangeError(
        `Cannot join tensors: shapes [${part.shape}] and [${first.shape}] differ past the first axis`,
      );
    }
    data.set(part.data, offset);
    offset += part.data.length;
    count += part.shape[0] ?? 0;
  }
  return { shape: [count, ...rest], data };
}

/** Softmax of logits, computed stably; sums to 1. */
export function softmax(logits: Float32Array | readonly number[], temperature = 1): Float32Array {
  let top = -Infinity;
  for (const value of logits) top = Math.max(top, value);
  const out = Float32Array.from(logits, (value) => Math.exp((value - top) / temperature));
  let sum = 0;
  for (const value of out) sum += value;
  for (let i = 0; i < out.length; i++) out[i]! /= sum;
  return out;
}

/** Index of the largest value (the first of equals); -1 when empty. */
export function argmax(values: Float32Array | readonly number[]): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (best < 0 || values[i]! > values[best]!) best = i;
  return best;
}

/** Logistic function. */
export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
