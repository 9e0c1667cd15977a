/** Whole networks of the zoo through export and both runtimes. */
import { assert, assertEquals } from "@std/assert/mod.js";
import {
  costOf,
  forInference,
  type Graph,
  initialize,
  type Network,
  parameterCount,
} from "../../core/graph/mod.ts";
import { readOnnx, toOnnx } from "../../core/onnx/mod.ts";
import { stream } from "../../core/random.ts";
import { sizeOf, tensor } from "../../core/tensor.ts";
import { modelOf } from "../../models/mod.ts";
import { openRuntime } from "../../serve/runtime/mod.ts";
import { errorOf } from "./compare.ts";
import { doubles } from "./reference.ts";

function network(graph: Graph): Network {
  return { graph, weights: initialize(graph, (id) => stream(1, id)) };
}

Deno.test("toOnnx() needs one transpose for the whole of MobileNetV2 and ResNet-20", () => {
  for (const name of ["mobilenet_v2", "resnet20-cifar"]) {
    const bytes = toOnnx(forInference(network(modelOf(name).build(10))));
    const { ops } = readOnnx(bytes);
    assertEquals([ops["Transpose"], ops["BatchNormalization"]], [1, undefined], name);
  }
});

Deno.test("readOnnx() counts multiply-accumulates and parameters as the cost table does", () => {
  for (const name of ["resnet8-cifar", "mobilenet_v2"]) {
    const model = forInference(network(modelOf(name).build(10)));
    const { macs, parameters } = readOnnx(toOnnx(model));
    assertEquals([macs, parameters], [costOf(model.graph).macs, parameterCount(model.graph)], name);
  }
});

Deno.test("web and node agree on networks with and without folded batch norm, whatever the batch", async () => {
  const [web, node] = [await openRuntime("web"), await openRuntime("node")];
  for (
    const [name, batch] of [["resnet8-cifar", 1], ["resnet20-cifar", 3], ["mobilenet_v2-torch", 1]] as const
  ) {
    const whole = network(modelOf(name).build(10));
    const [{ id, shape }] = whole.graph.inputs as [{ id: string; shape: readonly number[] }];
    const sides = [batch, ...shape.slice(1)];
    const random = stream(3, name);
    const image = tensor(sides, Float32Array.from({ length: sizeOf(sides) }, () => 2 * random() - 1));
    const results = [];
    for (const [runtime, model] of [[web, whole], [node, whole], [node, forInference(whole)]] as const) {
      const session = await runtime.load(toOnnx(model));
      results.push((await session.run({ [id]: image }))["logits"]!);
      await session.release();
    }
    const [first, ...others] = results;
    assertEquals(first!.shape, [batch, 10]);
    // Dozens of layers deep: some ten times the tolerance of one operation.
    for (const other of others) assert(errorOf(other.data, doubles(first!)) < 2e-5, name);
  }
});
