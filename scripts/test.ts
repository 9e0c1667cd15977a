/**
 * Runs the tests, lists the skipped ones with their reasons, and ends with `N passed, N failed, N skipped`.
 *
 * `deno run -A scripts/test.ts [ARGUMENTS]`: the arguments go to `deno test`; without a path the whole tree is run.
 *
 * @module
 */

/** What a run of `deno test` printed at its end. */
export interface TestSummary {
  /** Tests that passed. */
  readonly passed: number;
  /** Tests that failed; at least 1 where the run broke off. */
  readonly failed: number;
  /** Tests that were ignored. */
  readonly skipped: number;
  /** Names of the ignored tests and steps, which say the reason. */
  readonly skips: readonly string[];
}

/**
 * Reads the counts from what `deno test` printed.
 *
 * @param output Standard output, without colours.
 * @param code Exit code.
 */
export function summarize(output: string, code: number): TestSummary {
  const skips = [...output.matchAll(/^ *(\S.*) \.\.\. ignored \(.*\)$/gm)].map((match) => match[1]!);
  const last = [...output.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(.*)$/gm)].at(-1);
  const ignored = / \| (\d+) ignored/.exec(last?.[3] ?? "");
  const failed = Number(last?.[2] ?? 0);
  return {
    passed: Number(last?.[1] ?? 0),
    failed: code === 0 ? failed : Math.max(1, failed),
    skipped: Number(ignored?.[1] ?? 0),
    skips,
  };
}

async function pass(
  from: ReadableStream<Uint8Array>,
  to: { writeSync(bytes: Uint8Array): number },
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of from) {
    for (let done = 0; done < chunk.length;) done += to.writeSync(chunk.subarray(done));
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

if (import.meta.main) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--unstable-webgpu", ...Deno.args],
    env: { NO_COLOR: "1" }, // the output is read below
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [output, , { code }] = await Promise.all([
    pass(child.stdout, Deno.stdout),
    pass(child.stderr, Deno.stderr),
    child.status,
  ]);
  const { passed, failed, skipped, skips } = summarize(output, code);
  if (skips.length > 0) console.log("\nSkipped:\n" + skips.map((name) => `  ${name}`).join("\n") + "\n");
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0) Deno.exit(code === 0 ? 1 : code);
}
