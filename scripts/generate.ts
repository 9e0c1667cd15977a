/**
 * Runs every program that writes files of the tree; with `--check` none writes, and one file that is not as it must be fails all.
 *
 * @module
 */

/** Programs that need nothing but this tree first, then those that download a compiler. */
const PROGRAMS = [
  "build_model_prints",
  "build_cards",
  "build_model_docs",
  "build_wasm_kernels",
  "build_onnx_schema",
];

if (import.meta.main) {
  let failed = 0;
  for (const program of PROGRAMS) {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", `scripts/${program}.ts`, ...Deno.args],
    }).spawn().status;
    if (code !== 0) {
      console.error(`generate: ${program} failed`);
      failed += 1;
    }
  }
  if (failed > 0) Deno.exit(1);
}
