import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { encode } from "../../core/image/mod.ts";
import { raster } from "../../core/image/raster.ts";
import { stream } from "../../core/random.ts";
import { CIFAR_NORMALIZATION } from "./augment.ts";
import { type Dataset, packedRaster } from "./dataset.ts";
import { openFolder } from "./folder.ts";
import { type Batch, createLoader, type LoaderOptions } from "./loader.ts";
import { sceneDataset } from "./scenes.ts";

/** `count` pictures of 6 x 6 px in memory. */
function packedDataset(count: number): Dataset {
  const random = stream(1, "pixels");
  const data = Uint8Array.from({ length: count * 108 }, () => Math.floor(256 * random()));
  const packed = { width: 6, height: 6, data, rows: Int32Array.from({ length: count }, (_, i) => i) };
  return {
    name: "memory",
    classes: ["a", "b", "c"],
    length: count,
    hash: "",
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
    packed,
    source: (index) => ({ kind: "raster", raster: packedRaster(packed, index) }),
    where: (index) => `picture ${index}`,
  };
}

async function all(
  dataset: Dataset,
  options: LoaderOptions,
  epoch = 0,
  from = 0,
): Promise<Batch<Uint8Array>[]> {
  const loader = createLoader(dataset, options as LoaderOptions & { normalization?: never });
  try {
    return await Array.fromAsync(loader.epoch(epoch, from));
  } finally {
    loader.close();
  }
}

Deno.test("createLoader() gives every picture once an epoch, in a new order each time", async () => {
  const options = { batchSize: 4, shuffle: true, seed: 3 };
  const orders: number[][] = [];
  for (const epoch of [0, 1]) {
    const batches = await all(packedDataset(10), options, epoch);
    assertEquals(batches.map(({ shape }) => shape[0]), [4, 4, 2]);
    const order = batches.flatMap(({ indices }) => [...indices]);
    assertEquals(order.toSorted((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { indices, labels } of batches) {
      assertEquals(
        [...labels],
        [...indices].map((index) => index % 3),
      );
    }
    orders.push(order);
  }
  assert(orders[0]!.join() !== orders[1]!.join());
  assertEquals((await all(packedDataset(10), { ...options, dropLast: true })).length, 2);
});

Deno.test("createLoader() in memory equals the general path, augmented or not, bytes or normalised", async () => {
  const { packed: _, ...plain } = packedDataset(9);
  for (
    const augmentation of [undefined, { kind: "flip" }, { kind: "pad-crop-flip", paddingPx: 2 }] as const
  ) {
    for (const normalization of [undefined, CIFAR_NORMALIZATION]) {
      const options = {
        batchSize: 4,
        seed: 5,
        workers: 0,
        ...(augmentation === undefined ? {} : { augmentation }),
        ...(normalization === undefined ? {} : { normalization }),
      };
      assertEquals(await all(packedDataset(9), options, 2), await all(plain, options, 2));
    }
  }
});

Deno.test("createLoader() gives the same batches whatever the number of workers and the queue", async () => {
  const scenes = await sceneDataset({ seed: 1, count: 7, size: 128 });
  const options = {
    batchSize: 2,
    shuffle: true,
    seed: 9,
    augmentation: { kind: "random-resized-crop", sizePx: 32 },
  } as const;
  const expected = await all(scenes, { ...options, workers: 0 }, 1);
  for (const [workers, queue] of [[1, 1], [3, 2], [2, 8]] as const) {
    assertEquals(await all(scenes, { ...options, workers, queue }, 1), expected);
  }
});

Deno.test("createLoader() resumed in an epoch goes on as if it had not stopped", async () => {
  const options = {
    batchSize: 3,
    shuffle: true,
    augmentation: { kind: "pad-crop-flip", paddingPx: 1 },
  } as const;
  const whole = await all(packedDataset(11), options, 4);
  assertEquals(await all(packedDataset(11), options, 4, 2), whole.slice(2));
});

Deno.test("createLoader() names the file of a corrupt picture, from a worker too", async () => {
  const root = await Deno.makeTempDir();
  try {
    for (const name of ["a", "b"]) {
      await Deno.mkdir(`${root}/${name}`);
      await Deno.writeFile(`${root}/${name}/good.png`, await encode(raster(8, 8), { type: "image/png" }));
    }
    const bad = await encode(raster(8, 8), { type: "image/png" });
    await Deno.writeFile(`${root}/b/bad.png`, bad.subarray(0, 50));
    const dataset = await openFolder({ path: root, split: "train" });
    for (const workers of [0, 1]) {
      const error = await assertRejects(
        () => all(dataset, { batchSize: 3, workers }),
        Error,
        `${root}/b/bad.png`,
      );
      assert(error.message.includes("ends"), error.message);
    }
    await Deno.writeFile(`${root}/b/bad.png`, await encode(raster(9, 8), { type: "image/png" }));
    await assertRejects(() => all(dataset, { batchSize: 3, workers: 0 }), Error, "must have one size");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("createLoader() tells the share of time spent waiting", async () => {
  const loader = createLoader(packedDataset(8), { batchSize: 4 });
  assertEquals(loader.time.waitShare, 0);
  for await (const _ of loader.epoch(0)) await new Promise((resolve) => setTimeout(resolve, 5));
  const { waitMs, totalMs, waitShare } = loader.time;
  assert(waitMs > 0 && waitMs < totalMs && waitShare === waitMs / totalMs);
});

Deno.test("createLoader() refuses batches that cannot be", () => {
  assertThrows(() => createLoader(packedDataset(3), { batchSize: 0 }), RangeError, "batchSize is 0");
  assertThrows(
    () => createLoader(packedDataset(3), { batchSize: 4, dropLast: true }),
    RangeError,
    "make no batch",
  );
  assertThrows(() => createLoader(packedDataset(3), { batchSize: 1, queue: 0 }), RangeError, "queue is 0");
});
