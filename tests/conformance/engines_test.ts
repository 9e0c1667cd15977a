/** Everything that must hold of a training engine, on every one that is present. */
import { CLAIMS } from "./check.ts";
import { backendOf, onEveryEngine } from "./engines.ts";
import { asSteps } from "./steps.ts";

for (const [claim, checks] of Object.entries(CLAIMS)) {
  onEveryEngine(
    claim,
    (t, { name }) => asSteps(t, checks(backendOf(name)), name, (check) => check.run()),
  );
}
