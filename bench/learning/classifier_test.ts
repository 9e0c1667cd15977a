import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert/mod.js";
import { PRESETS } from "../../train/presets.ts";
import type { ClassifierRecipe } from "../../train/recipe.ts";
import { epochsOf, peerOf, peerSide, standardError } from "./classifier.ts";

const RECIPE = PRESETS["resnet20-cifar10"] as ClassifierRecipe;

Deno.test("peerOf() says all that the recipe says, and refuses what the peer cannot do", () => {
  const peer = peerOf(RECIPE, { data: "cifar", threads: 2 });
  const { optimizer, schedule } = RECIPE.options.update;
  assertEquals([peer.base, peer.warmup], [schedule.base, schedule.warmup]);
  assertEquals([peer.momentum, peer.nesterov, peer.weightDecay], [
    optimizer.momentum,
    optimizer.nesterov,
    optimizer.weightDecay,
  ]);
  assertEquals([peer.epochs, peer.batch, peer.validation, peer.padding], [30, 128, 2000, 4]);
  for (
    const update of [
      { optimizer: { kind: "adam" }, schedule },
      { optimizer: { ...optimizer, clipNorm: 1 }, schedule },
      { optimizer, schedule: { kind: "constant", base: 0.1 } },
    ] as const
  ) {
    const other = { ...RECIPE, options: { ...RECIPE.options, update } };
    assertThrows(() => peerOf(other, { data: "cifar", threads: 2 }), RangeError, "Cannot start the peer");
  }
});

Deno.test("epochsOf() weighs the lines of an epoch by their steps and times it from the epoch before", () => {
  const line = (stage: string, step: number, time: number, scalars: Record<string, number>) => ({
    stage,
    step,
    epoch: step / 5,
    time,
    scalars,
  });
  const rows = [
    line("classifier", 4, 10, { loss: 2, accuracy: 0 }),
    line("classifier", 5, 11, { loss: 7, accuracy: 0 }),
    line("classifier/validation", 5, 12, { accuracy: 0.5, loss: 9 }),
    line("classifier", 9, 20, { loss: 1, accuracy: 0 }),
    line("classifier", 10, 21, { loss: 1, accuracy: 0 }),
    line("classifier/validation", 10, 24, { accuracy: 0.75, loss: 9 }),
  ];
  assertEquals(epochsOf(rows), [
    { epoch: 1, loss: 3, accuracy: 0.5, seconds: undefined }, // (4 * 2 + 1 * 7) / 5
    { epoch: 2, loss: 1, accuracy: 0.75, seconds: 12 },
  ]);
});

Deno.test("peerSide() counts an epoch that was begun again once, and waits for the end", () => {
  const epoch = (epoch: number, loss: number) => JSON.stringify({ epoch, loss, accuracy: 0.5, seconds: 9 });
  const end = JSON.stringify({ test: 0.9, images: 100, version: "PyTorch 2" });
  const lines = [epoch(1, 3), epoch(2, 2), epoch(2, 1), end, ""].join("\n");
  assertEquals(peerSide(lines).epochs.map(({ loss }) => loss), [3, 1]);
  assertEquals(peerSide(lines).test, 0.9);
  assertThrows(() => peerSide(`${epoch(1, 3)}\n`), RangeError, "has not finished");
});

Deno.test("standardError() of two shares", () => {
  // sqrt((0.9 * 0.1 + 0.9 * 0.1) / 10000) = sqrt(1.8e-5)
  assertAlmostEquals(standardError(0.9, 0.9, 10_000), 0.00424264, 1e-7);
  assertEquals(standardError(1, 1, 10), 0);
});
