/**
 * Registers a test that needs something this machine may lack. Where it does, the test counts as skipped, and its
 * name ends with the reason: `scripts/test.ts` lists them.
 *
 * @param reason Why the test cannot run here, `undefined` if it can.
 */
export function testUnless(
  reason: string | undefined,
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  Deno.test({
    name: reason === undefined ? name : `${name} [skipped: ${reason}]`,
    ignore: reason !== undefined,
    fn,
  });
}

/** The reason for skipping when a file or folder is missing; `undefined` when it is there. */
export function missing(path: string): string | undefined {
  try {
    Deno.statSync(path);
    return undefined;
  } catch {
    return `no ${path}`;
  }
}
