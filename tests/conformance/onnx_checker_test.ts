/** Python's own checker, with shape inference, on every exported case. Set PYTHON to use another interpreter. */
import { assert } from "@std/assert/mod.js";
import { toOnnx } from "../../core/onnx/mod.ts";
import { CASES } from "./cases.ts";

const python = Deno.env.get("PYTHON") ?? "python3";

/** Why the checker cannot be used, or `undefined`. */
async function missing(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command(python, {
      args: ["-c", "import onnx"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? undefined : `${python} has no package onnx`;
  } catch {
    return `${python} is not there`;
  }
}

const PROGRAM = `
import onnx, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    except Exception as error:
        print(path.name, error)
`;

const reason = await missing();
Deno.test({
  name: "toOnnx() writes what onnx.checker accepts with strict shape inference",
  ignore: reason !== undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const opset of [17, 18] as const) {
        for (const [i, { graph, values, training }] of CASES.entries()) {
          if (training) continue;
          const weights = new Map(graph.params.map(({ id }) => [id, values.get(id)!]));
          await Deno.writeFile(`${folder}/${opset}-${i}.onnx`, toOnnx({ graph, weights }, { opset }));
        }
      }
      const { stdout, stderr, success } = await new Deno.Command(python, { args: ["-c", PROGRAM, folder] })
        .output();
      const text = new TextDecoder().decode(stdout);
      assert(success && text === "", text + new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
if (reason !== undefined) console.log(`skipped onnx.checker: ${reason}`);
