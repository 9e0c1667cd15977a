/** Every operation, exported and run by both ONNX runtimes, against the reference. */
import { type Case, CASES } from "./cases.ts";
import { assertClose } from "./compare.ts";
import { doubles, runReference } from "./reference.ts";
import { skipOf } from "./skips.ts";
import { forwardTolerance } from "./tolerances.ts";
import { toOnnx } from "../../core/onnx/mod.ts";
import { openRuntime, type Runtime, RUNTIMES } from "../../serve/runtime/mod.ts";

async function check(runtime: Runtime, opset: 17 | 18, test: Case, tolerance: number): Promise<void> {
  const { graph, values } = test;
  const weights = new Map(graph.params.map(({ id }) => [id, values.get(id)!]));
  const session = await runtime.load(toOnnx({ graph, weights }, { opset }));
  try {
    const inputs = Object.fromEntries(graph.inputs.map(({ id }) => [id, values.get(id)!]));
    const outputs = await session.run(inputs);
    const expected = runReference(graph, new Map([...values].map(([id, value]) => [id, doubles(value)])));
    for (const { name } of graph.outputs) {
      assertClose(outputs[name]!, expected[name]!, { tolerance, name: `${test.name}, ${name}` });
    }
  } finally {
    await session.release();
  }
}

const OPS = [...new Set(CASES.map(({ op }) => op))];
for (const name of RUNTIMES) {
  const backend = `ort-${name}` as const;
  for (const opset of [17, 18] as const) {
    Deno.test(`toOnnx() on ${name}, operator set ${opset}, means what the reference says`, async (t) => {
      const runtime = await openRuntime(name);
      for (const op of OPS) {
        await t.step(op, async (t) => {
          for (const test of CASES.filter((test) => test.op === op && !test.training)) {
            const reason = skipOf(backend, test, "forward");
            if (reason !== undefined) console.log(`skipped on ${backend}: ${test.name}: ${reason}`);
            await t.step({
              name: test.name,
              ignore: reason !== undefined,
              fn: () => check(runtime, opset, test, forwardTolerance(backend, op)),
            });
          }
        });
      }
    });
  }
}
