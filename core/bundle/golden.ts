/**
 * Golden arrays: a few inputs of every network and what must come out. They travel with the weights; the same ones are checked
 * after export and when a server gets ready.
 *
 * @module
 */
import type { Run } from "../policy/method.ts";
import { type Named, pick, type Tensor } from "../tensor.ts";
import { decodeSafetensors, encodeSafetensors } from "../weights/safetensors.ts";

/** What one network makes of one batch. */
export interface GoldenCase {
  /** Name of the network in its bundle. */
  readonly network: string;
  /** Every input. */
  readonly inputs: Named<Tensor>;
  /** Every output. */
  readonly outputs: Named<Tensor>;
}

/** Two runtimes may differ by this share of the range of an output: both compute in `float32`, in different orders. */
export const GOLDEN_TOLERANCE = 1e-4;

/** Safetensors bytes of golden arrays: `<network>/in/<name>` and `<network>/out/<name>`. */
export function encodeGolden(cases: readonly GoldenCase[]): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, Tensor>();
  for (const { network, inputs, outputs } of cases) {
    for (const [name, x] of Object.entries(inputs)) tensors.set(`${network}/in/${name}`, x);
    for (const [name, x] of Object.entries(outputs)) tensors.set(`${network}/out/${name}`, x);
  }
  return encodeSafetensors(tensors);
}

/**
 * Golden arrays of bytes.
 *
 * @throws {SyntaxError} If the bytes are not golden arrays.
 */
export function decodeGolden(bytes: Uint8Array): GoldenCase[] {
  const cases = new Map<string, { inputs: Record<string, Tensor>; outputs: Record<string, Tensor> }>();
  for (const [key, x] of decodeSafetensors(bytes).tensors) {
    const [, network, side, name] = /^([^/]+)\/(in|out)\/(.+)$/.exec(key) ?? [];
    if (network === undefined || name === undefined) {
      throw new SyntaxError(`Cannot read golden arrays: "${key}" must be <network>/in|out/<name>`);
    }
    const one = cases.get(network) ?? { inputs: {}, outputs: {} };
    cases.set(network, one);
    (side === "in" ? one.inputs : one.outputs)[name] = x;
  }
  return [...cases].map(([network, one]) => ({ network, ...one }));
}

/**
 * How far one array is from another: the largest difference as a share of the range of `expected` (of 1 where it is constant).
 *
 * @returns 0 for equal arrays, `Infinity` where shapes differ or a value is not finite.
 */
export function disagreement(expected: Tensor, actual: Tensor): number {
  if (expected.shape.join() !== actual.shape.join()) return Infinity;
  let low = Infinity;
  let high = -Infinity;
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const value = expected.data[i]!;
    low = Math.min(low, value);
    high = Math.max(high, value);
    const difference = Math.abs(actual.data[i]! - value);
    worst = Number.isFinite(difference) ? Math.max(worst, difference) : Infinity;
  }
  return worst / (high > low ? high - low : 1);
}

/**
 * Runs golden inputs and compares what comes out.
 *
 * @returns The largest disagreement of every network.
 * @throws {RangeError} If a network disagrees by more than `tolerance`: which, and by how much.
 */
export async function checkGolden(
  cases: readonly GoldenCase[],
  run: Run,
  tolerance: number = GOLDEN_TOLERANCE,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { network, inputs, outputs } of cases) {
    const answers = await run(network, inputs);
    for (const [name, expected] of Object.entries(outputs)) {
      const error = disagreement(expected, pick(answers, name));
      if (!(error <= tolerance)) {
        throw new RangeError(
          `Cannot trust "${network}": its ${name} is ${
            error.toExponential(1)
          } of the range from the golden array, ` +
            `must be within ${tolerance}`,
        );
      }
      found.set(network, Math.max(error, found.get(network) ?? 0));
    }
  }
  return found;
}
