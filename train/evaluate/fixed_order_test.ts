import { assertEquals } from "@std/assert/mod.js";
import { stream } from "../../core/random.ts";
import { argmax } from "../../core/tensor.ts";
import { bestFixedOrder, bestFixedOrderOfEvidence } from "./fixed_order.ts";

Deno.test("bestFixedOrder() takes again and again the cell that helps most", async () => {
  // Worth of sets: cell 2 first; then 0 adds more than 1; then 1.
  const worth: Record<string, number> = {
    "0": 0.3,
    "1": 0.4,
    "2": 0.5,
    "0,2": 0.8,
    "1,2": 0.6,
    "0,1,2": 0.9,
  };
  const accuracyOf = (cells: readonly number[]): Promise<number> =>
    Promise.resolve(worth[cells.toSorted().join()] ?? 0);
  assertEquals(await bestFixedOrder({ candidates: [0, 1, 2], accuracyOf }), [2, 0, 1]);
  assertEquals(await bestFixedOrder({ candidates: [0, 1, 2], accuracyOf, depth: 1 }), [2, 1, 0]);
});

Deno.test("bestFixedOrder() takes the first of equals", async () => {
  const accuracyOf = (): Promise<number> => Promise.resolve(1);
  assertEquals(await bestFixedOrder({ candidates: [3, 1, 2], accuracyOf }), [3, 1, 2]);
});

Deno.test("bestFixedOrderOfEvidence() orders as bestFixedOrder() over summed evidence", async () => {
  const [images, cells, classes] = [150, 5, 3];
  const random = stream(3, "evidence");
  const labels = Int32Array.from({ length: images }, () => Math.floor(random() * classes));
  const evidence = Float32Array.from({ length: images * cells * classes }, (_, i) => {
    const cell = Math.floor(i / classes) % cells;
    const image = Math.floor(i / (cells * classes));
    return random() + (i % classes === labels[image] ? [0.05, 0.4, 0.1, 0.25, 0][cell]! : 0);
  });
  const accuracyOf = (chosen: readonly number[]): Promise<number> => {
    let right = 0;
    for (let n = 0; n < images; n++) {
      const sum = new Float32Array(classes);
      for (const cell of chosen) {
        for (let c = 0; c < classes; c++) sum[c]! += evidence[(n * cells + cell) * classes + c]!;
      }
      if (argmax(sum) === labels[n]) right += 1;
    }
    return Promise.resolve(right / images);
  };
  const found = bestFixedOrderOfEvidence({ images, cells, classes, evidence, labels });
  const greedy = await bestFixedOrder({ candidates: [0, 1, 2, 3, 4], accuracyOf });
  // Equal accuracies may be told apart differently; what is reached after every cell must be the same.
  for (let k = 1; k <= cells; k++) {
    assertEquals(await accuracyOf(found.slice(0, k)), await accuracyOf(greedy.slice(0, k)));
  }
});
