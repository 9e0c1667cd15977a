/**
 * Writes `core/onnx/onnx_pb.ts` from `core/onnx/onnx.proto` with the code generator of the protobuf library.
 *
 * Run it after a change of the schema: `deno run -A scripts/build_onnx_schema.ts`. It downloads two npm packages into a
 * temporary folder; nothing stays. With `--check` it fails if the file is not what it would write.
 *
 * @module
 */

/** The compiler, and the generator in the version of the library in `deno.json`. */
const PACKAGES = ["@bufbuild/buf@1.75.0", "@bufbuild/protoc-gen-es@2.17.0"];

const folder = new URL("../core/onnx/", import.meta.url);
const target = new URL("onnx_pb.ts", folder);

/** Source of the TypeScript file. */
async function generate(): Promise<string> {
  const work = await Deno.makeTempDir({ prefix: "onnx-schema-" });
  const run = async (command: string, args: readonly string[]): Promise<void> => {
    const path = `${work}/node_modules/.bin:${Deno.env.get("PATH") ?? ""}`;
    const child = new Deno.Command(command, {
      args: [...args],
      cwd: work,
      env: { PATH: path },
      stdout: "null",
    });
    const { success, stderr } = await child.output();
    if (!success) {
      throw new Error(`Cannot run ${command}: ${new TextDecoder().decode(stderr).trim()}`);
    }
  };
  try {
    // No install scripts: the compiler of the platform is an optional dependency and needs none.
    await run("npm", [
      "install",
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      "--prefix",
      ".",
      ...PACKAGES,
    ]);
    await Deno.mkdir(`${work}/in`);
    await Deno.copyFile(new URL("onnx.proto", folder), `${work}/in/onnx.proto`);
    const template = {
      version: "v2",
      plugins: [{ local: "protoc-gen-es", out: "out", opt: ["target=ts", "import_extension=ts"] }],
    };
    await run("buf", ["generate", "in", "--template", JSON.stringify(template)]);
    return await Deno.readTextFile(`${work}/out/onnx_pb.ts`);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

if (import.meta.main) {
  const source = await generate();
  const current = await Deno.readTextFile(target).catch(() => "");
  if (Deno.args.includes("--check")) {
    if (source !== current) {
      console.error(
        "Cannot accept core/onnx/onnx_pb.ts: it is not what onnx.proto gives, run without --check",
      );
      Deno.exit(1);
    }
  } else if (source !== current) {
    const aside = new URL("onnx_pb.ts.tmp", folder);
    await Deno.writeTextFile(aside, source);
    await Deno.rename(aside, target);
    console.error("wrote core/onnx/onnx_pb.ts");
  }
}
