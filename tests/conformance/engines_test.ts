/** Everything that must hold of a training engine, on every one that is present, and of `node` also when it compiles everything. */
import { assert } from "@std/assert/mod.js";
import { compilingEverything } from "../support/compiling.ts";
import { CLAIMS } from "./check.ts";
import { backendOf, onEngines, onEveryEngine } from "./engines.ts";
import { asSteps } from "./steps.ts";

for (const [claim, checks] of Object.entries(CLAIMS)) {
  onEveryEngine(
    claim,
    (t, { name }) => asSteps(t, checks(backendOf(name)), name, (check) => check.run()),
  );
  onEngines(["node"], `${claim}, compiled`, async (t) => {
    using compiling = compilingEverything();
    await asSteps(t, checks("node"), "node, compiled", (check) => check.run());
    assert(compiling.programs > 0, "nothing was compiled");
  });
}
