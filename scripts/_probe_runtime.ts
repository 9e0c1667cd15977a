/**
 * Opens one ONNX runtime, lets it run a model of one node, prints one line of JSON. Run by `doctor.ts`.
 *
 * @module
 */
import { GraphBuilder } from "../core/graph/mod.ts";
import { toOnnx } from "../core/onnx/mod.ts";
import { tensor } from "../core/tensor.ts";
import { openRuntime, type RuntimeName } from "../serve/runtime/mod.ts";
import type { Availability } from "../train/engine/mod.ts";

async function probe(name: RuntimeName): Promise<Availability> {
  try {
    const { device, version, load } = await openRuntime(name);
    const builder = new GraphBuilder("probe");
    builder.output("y", builder.unary("relu", builder.input("x", [2]), "y"));
    const session = await load(toOnnx({ graph: builder.build(), weights: new Map() }));
    const { y } = await session.run({ x: tensor([1, 2], Float32Array.of(-1, 2)) });
    const right = y?.data[0] === 0 && y.data[1] === 2;
    const reason = right ? "" : `relu of -1 and 2 is ${y?.data.join(" and ")}`;
    return { available: right, device, version, software: false, reason };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { available: false, device: "", version: "", software: false, reason };
  }
}

if (import.meta.main) {
  console.log(JSON.stringify(await probe(Deno.args[0] as RuntimeName)));
  // Runtimes keep threads alive; there is nothing to wait for.
  Deno.exit(0);
}
