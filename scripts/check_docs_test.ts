import { assertEquals } from "@std/assert/mod.js";
import { ownFindings } from "./check_docs.ts";

const OUTPUT = `error[missing-jsdoc]: exported symbol is missing JSDoc documentation
  --> /tree/core/a.ts:71:3

error[missing-jsdoc]: exported symbol is missing JSDoc documentation
  --> /tree/node_modules/.deno/x@1.0.0/index.d.ts:1:1

error[private-type-ref]: public type 'f' references private type 'Tensor4D'
  --> /tree/train/b.ts:1:1

error[private-type-ref]: public type 'g' references private type 'Hidden'
  --> /tree/train/b.ts:2:1

error: Found 4 documentation lint errors.
`;

Deno.test("ownFindings() leaves out what packages declare and how it is documented", () => {
  const found = ownFindings(OUTPUT, (type) => type === "Hidden");
  assertEquals(found.map((finding) => finding.split("\n  --> ")[1]), [
    "/tree/core/a.ts:71:3",
    "/tree/train/b.ts:2:1",
  ]);
});
