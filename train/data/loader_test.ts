import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { encode } from "../../core/image/mod.ts";
import { raster } from "../../core/image/raster.ts";
import { stream } from "../../core/random.ts";
import { inFolder } from "../../tests/support/folder.ts";
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

Deno.test("createLoader() gives the same batches of files with 0, 1, 2 and 3 workers", async () => {
  await inFolder(async (root) => {
    const random = stream(2, "pictures");
    for (let n = 0; n < 9; n++) {
      const picture = raster(20 + n, 30 - n);
      picture.data.forEach((_, i) => picture.data[i] = 256 * random());
      await Deno.mkdir(`${root}/${n % 3}`, { recursive: true });
      const type = n % 2 === 0 ? "image/png" : "image/jpeg";
      await Deno.writeFile(`${root}/${n % 3}/${n}.${type.slice(6)}`, await encode(picture, { type }));
    }
    const dataset = await openFolder({ path: root, split: "train" });
    const options = {
      batchSize: 2,
      shuffle: true,
      seed: 4,
      augmentation: { kind: "random-resized-crop", sizePx: 16 },
    } as const;
    const expected = await all(dataset, { ...options, workers: 0 }, 3);
    assertEquals(expected.length, 5);
    for (const workers of [1, 2, 3]) {
      assertEquals(await all(dataset, { ...options, workers }, 3), expected, `${workers} workers`);
    }
  });
});

Deno.test("createLoader() makes no more batches ahead of a slow reader than its queue holds", async () => {
  const scenes = await sceneDataset({ seed: 1, count: 12, size: 128 });
  let asked = 0;
  const counted: Dataset = { ...scenes, source: (index) => (asked++, scenes.source(index)) };
  for (const [workers, queue] of [[0, 1], [2, 3], [1, 8]] as const) {
    asked = 0;
    const loader = createLoader(counted, { batchSize: 1, workers, queue });
    let used = 0;
    for await (const _ of loader.epoch(0)) {
      used += 1;
      // Time enough for workers to do what they have.
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert(asked >= used && asked < used + queue, `${asked} asked for, ${used} used, queue of ${queue}`);
    }
    assertEquals([used, asked], [12, 12]);
    loader.close();
  }
});

// A worker that is left would fail these tests: what it was asked for never comes.
Deno.test("createLoader() ends its workers when an epoch is left in the middle, and starts others for the next", async () => {
  const scenes = await sceneDataset({ seed: 1, count: 6, size: 128 });
  const loader = createLoader(scenes, { batchSize: 2, workers: 2 });
  const expected = await Array.fromAsync(loader.epoch(1));
  for await (const batch of loader.epoch(1)) {
    assertEquals(batch, expected[0]);
    break;
  }
  // Another one is being read: its workers stay.
  const other = loader.epoch(1);
  assertEquals((await other.next()).value, expected[0]);
  for await (const _ of loader.epoch(0)) break;
  assertEquals((await other.next()).value, expected[1]);
  await other.return();
});

Deno.test("createLoader() reports the first picture that cannot be made, whatever the number of workers, and ends them", async () => {
  await inFolder(async (root) => {
    const good = await encode(raster(8, 8), { type: "image/png" });
    for (let n = 0; n < 12; n++) {
      const bad = [7, 6, 3, 11].includes(n);
      await Deno.mkdir(`${root}/a`, { recursive: true });
      await Deno.writeFile(`${root}/a/${10 + n}.png`, bad ? good.subarray(0, 50) : good);
    }
    const dataset = await openFolder({ path: root, split: "train" });
    for (const workers of [0, 1, 2, 3]) {
      for (const [from, first] of [[0, 13], [2, 16]] as const) {
        const loader = createLoader(dataset, { batchSize: 2, workers });
        const error = await assertRejects(() => Array.fromAsync(loader.epoch(0, from)), Error);
        assert(error.message.startsWith(`Cannot load "${root}/a/${first}.png" of `), error.message);
      }
    }
  });
});

Deno.test("createLoader() refuses a label that is none of the classes, and says where it is", () => {
  for (const [label, said] of [[3, "label is 3, must be in 0 to 2"], [-1, "label is -1, must be"]] as const) {
    const dataset = packedDataset(6);
    dataset.labels[4] = label;
    assertThrows(() => createLoader(dataset, { batchSize: 2 }), RangeError, `"picture 4" of memory: ${said}`);
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
  await inFolder(async (root) => {
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
  });
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
