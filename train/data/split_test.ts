import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { sceneDataset } from "./scenes.ts";
import { split } from "./split.ts";

Deno.test("split() is disjoint, complete, stratified, and the same for the same seed", async () => {
  const dataset = await sceneDataset({ seed: 1, count: 80, size: 128 });
  const { train, validation } = await split(dataset, { validation: 16, seed: 3 });
  assertEquals([train.length, validation.length], [64, 16]);
  for (let label = 0; label < 8; label++) {
    assertEquals(validation.labels.filter((one) => one === label).length, 2);
  }
  const places = [train, validation].flatMap((part) =>
    Array.from({ length: part.length }, (_, i) => part.where(i))
  );
  assertEquals(new Set(places).size, 80);
  const again = await split(dataset, { validation: 16, seed: 3 });
  assertEquals([again.train.hash, again.validation.hash], [train.hash, validation.hash]);
  const other = await split(dataset, { validation: 16, seed: 4 });
  assertEquals(other.validation.hash === validation.hash, false);
});

Deno.test("split() refuses to leave a part empty", async () => {
  const dataset = await sceneDataset({ seed: 1, count: 8, size: 128 });
  await assertRejects(() => split(dataset, { validation: 8, seed: 1 }), RangeError, "validation is 8");
  await assertRejects(() => split(dataset, { validation: 1, seed: 1 }), RangeError, "part empty");
});
