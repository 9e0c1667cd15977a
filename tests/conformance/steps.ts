/**
 * Checks as steps of a test.
 *
 * @module
 */
import type { Check } from "./check.ts";

/** What is known of a check wherever it runs. */
export type Listed = Omit<Check, "run">;

/**
 * Runs checks as steps of a test, in the steps of their groups. A check that is skipped is an ignored step, its reason printed.
 *
 * @param t The test.
 * @param checks In order, groups together.
 * @param where Named in what is printed.
 * @param run Runs one of the checks.
 */
export async function asSteps<T extends Listed>(
  t: Deno.TestContext,
  checks: readonly T[],
  where: string,
  run: (check: T) => Promise<void>,
): Promise<void> {
  for (const [group, members] of Map.groupBy(checks, ({ group }) => group)) {
    await t.step(group, async (t) => {
      for (const check of members) {
        const { name, skipped } = check;
        if (skipped !== undefined) console.log(`skipped on ${where}: ${name}: ${skipped}`);
        await t.step({ name, ignore: skipped !== undefined, fn: () => run(check) });
      }
    });
  }
}
