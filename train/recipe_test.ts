import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { PRESETS } from "./presets.ts";
import { asRecipe, classifierOf, networkView, withEpochs } from "./recipe.ts";

Deno.test("asRecipe() takes every recipe that ships, as JSON", () => {
  for (const recipe of Object.values(PRESETS)) {
    assertEquals(asRecipe(JSON.parse(JSON.stringify(recipe))), JSON.parse(JSON.stringify(recipe)));
  }
});

Deno.test("asRecipe() says which method or field is missing", () => {
  const { method: _, ...before } = PRESETS.scenes; // as run.json was before there were methods
  assertThrows(() => asRecipe(before), TypeError, "names no method, must be one of patchdrop, classifier");
  assertThrows(() => asRecipe({ ...before, method: "gfnet" }), TypeError, 'has method "gfnet"');
  assertThrows(() => asRecipe({ ...before, method: "classifier" }), TypeError, "has no network, options");
  assertThrows(() => asRecipe({ method: "patchdrop", id: "a" }), TypeError, "has no title, seed");
  for (const json of [null, 3, "scenes", []]) assertThrows(() => asRecipe(json), TypeError, "no method");
});

Deno.test("withEpochs() changes the epochs of every stage and nothing else", () => {
  const { "resnet20-cifar10": classifier, scenes } = PRESETS;
  const found = withEpochs(classifier, 2);
  assertEquals(found, {
    ...classifier,
    options: { ...(classifier.method === "classifier" ? classifier.options : undefined!), epochs: 2 },
  });
  const stages = (recipe: typeof scenes): unknown[] =>
    recipe.method === "patchdrop" ? recipe.stages.map(({ name, options: { epochs } }) => [name, epochs]) : [];
  assertEquals(stages(withEpochs(scenes, 2)), [["reader", 2], ["policy", 2]]);
  assertEquals(stages(scenes), [["reader", 4], ["policy", 30]]);
});

Deno.test("classifierOf() is the network that weights are for, with as many outputs as there are classes", () => {
  const names = Object.fromEntries(
    Object.entries(PRESETS).map(([name, recipe]) => [name, classifierOf(recipe, 7).name]),
  );
  assertEquals(names["resnet20-cifar10"], "resnet20-cifar");
  assertEquals(names["cifar10"], "resnet32-cifar");
  assertEquals(names["pictures"], "resnet18");
  assertEquals(
    classifierOf(PRESETS["resnet20-cifar10"], 7).params.find(({ id }) => id === "linear.bias")?.shape,
    [7],
  );
});

Deno.test("networkView() leaves pictures of the network's size alone and cuts others from the middle", () => {
  const graph = classifierOf(PRESETS["resnet20-cifar10"], 10);
  const packed = { width: 32, height: 32, data: new Uint8Array(0), rows: new Int32Array(0) };
  assertEquals(networkView(graph, { packed }), undefined);
  const cut = { kind: "center-crop", resizePx: 37, sizePx: 32 } as const; // 32 * 256 / 224 = 36.6
  assertEquals(networkView(graph, { packed: { ...packed, width: 33 } }), cut);
  assertEquals(networkView(graph, {}), cut);
});
