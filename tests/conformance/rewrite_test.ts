/** Rewrites keep what a network computes: checked in float64 by the reference. */
import { assert, assertEquals } from "@std/assert/mod.js";
import {
  forInference,
  type Graph,
  GraphBuilder,
  initialize,
  opCounts,
  rolesOf,
} from "../../core/graph/mod.ts";
import { stream } from "../../core/random.ts";
import { sizeOf, type Tensor, tensor } from "../../core/tensor.ts";
import { resNetCifar } from "../../models/mod.ts";
import { errorOf } from "./compare.ts";
import { doubles, runReference } from "./reference.ts";

/** Weights in which no batch norm is the identity. */
function lively(graph: Graph): Map<string, Tensor> {
  const roles = rolesOf(graph);
  const drawn = initialize(graph, (id) => stream(4, id));
  for (const [id, { shape, data }] of drawn) {
    const random = stream(5, id);
    const role = roles.get(id)!;
    if (["scale", "offset", "mean", "variance", "bias"].includes(role)) {
      const centre = role === "scale" || role === "variance" ? 1 : 0;
      drawn.set(id, { shape, data: data.map(() => centre + random() - 0.5) });
    }
  }
  return drawn;
}

function everyKind(): Graph {
  const b = new GraphBuilder("every kind of layer before a batch norm");
  const x = b.input("image", [7, 6, 3]);
  const first = b.batchNorm("a.bn", b.conv("a", x, { filters: 4, kernel: 3, pad: 1, bias: true }), {
    epsilon: 0.01,
  });
  const dropped = b.node("dropout", "drop", [b.unary("relu", first)], { rate: 0.5 });
  const deep = b.batchNorm("b.bn", b.depthwise("b", dropped, { kernel: 3, filters: 2, bias: true }));
  const grouped = b.batchNorm("c.bn", b.conv("c", deep, { filters: 6, kernel: 1, groups: 2 }));
  const both = b.node("concat", "both", [grouped, b.batchNorm("kept", grouped)], { axis: 3 });
  const alone = b.batchNorm("alone", b.unary("globalAveragePool", both));
  b.dense("unused", alone, { units: 9 });
  b.output("logits", b.dense("fc", alone, { units: 5 }));
  return b.build();
}

for (
  const [name, graph, left] of [
    ["every kind of layer", everyKind(), 2],
    ["ResNet-8", resNetCifar({ depth: 8, outputs: 10, side: 8, width: 4 }), 0],
  ] as const
) {
  Deno.test(`forInference() of ${name} computes the same with ${left} batch norms left`, () => {
    const weights = lively(graph);
    const small = forInference({ graph, weights });
    assertEquals(opCounts(small.graph)["batchNorm"] ?? 0, left);
    const shape = [2, ...graph.inputs[0]!.shape.slice(1)];
    const random = stream(6, name);
    const image = tensor(shape, Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1));
    const run = (of: Graph, params: ReadonlyMap<string, Tensor>) => {
      const bound = [...params, ["image", image] as const].map(([id, value]) =>
        [id, doubles(value)] as const
      );
      return runReference(of, new Map(bound))["logits"]!;
    };
    const [whole, folded] = [run(graph, weights), run(small.graph, small.weights)];
    assert(Math.max(...whole.data.map(Math.abs)) > 0.1, "all answers are zero: nothing is tested");
    // Folded filters are stored in float32; everything else is computed in float64.
    assert(errorOf(folded.data, whole) < 1e-6, String(errorOf(folded.data, whole)));
  });
}
