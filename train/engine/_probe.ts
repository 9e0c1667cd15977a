/**
 * Opens one engine, lets it multiply, prints one line of JSON. Run by `describe.ts`.
 *
 * @module
 */
import type { Availability } from "./describe.ts";
import type { EngineName } from "./engine.ts";
import { EngineUnavailable, open, read, tf } from "./mod.ts";

async function probe(name: EngineName): Promise<Availability> {
  const lost = { available: false, device: "", version: "", software: false };
  try {
    const { device, version, software, memoryBytes } = await open(name);
    const side = 33;
    const a = Float32Array.from({ length: side * side }, (_, i) => i % 7 - 3);
    const product = await read(tf.matMul(tf.tensor2d(a, [side, side]), tf.tensor2d(a, [side, side])));
    const wrong = product.findIndex((value, at) => value !== element(a, side, at));
    const reason = wrong < 0 ? "" : `it multiplies wrongly (element ${wrong} is ${product[wrong]})`;
    return {
      available: wrong < 0,
      device,
      version,
      software,
      reason,
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  } catch (error) {
    if (error instanceof EngineUnavailable) return { ...lost, reason: error.reason };
    return { ...lost, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Small integers: every order of summation gives the same float. */
function element(a: Float32Array, side: number, at: number): number {
  const [row, column] = [Math.floor(at / side), at % side];
  let sum = 0;
  for (let k = 0; k < side; k++) sum += a[row * side + k]! * a[k * side + column]!;
  return sum;
}

if (import.meta.main) {
  console.log(JSON.stringify(await probe(Deno.args[0] as EngineName)));
  // Drivers keep threads alive; there is nothing to wait for.
  Deno.exit(0);
}
