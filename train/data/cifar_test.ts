import { assertEquals, assertRejects } from "@std/assert/mod.js";
import { pack } from "tar-stream";
import { openCifar } from "./cifar.ts";

const TRAIN = [1, 2, 3, 4, 5].map((part) => `data_batch_${part}.bin`);

/** Records whose pixel values are `record + channel`, labelled by the given bytes. */
function records(labels: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const parts = labels.flatMap((label, record) => [
    Uint8Array.from(label),
    ...[0, 1, 2].map((channel) => new Uint8Array(1024).fill(record + 10 * channel)),
  ]);
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

async function inFolder(
  files: Readonly<Record<string, Uint8Array>>,
  run: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(`${path}/${name}`, bytes);
    await run(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const cifar10 = (): Record<string, Uint8Array> => ({
  ...Object.fromEntries(TRAIN.map((name, i) => [name, records([[i], [i + 5]])])),
  "test_batch.bin": records([[3], [9], [0]]),
});

Deno.test("openCifar() reads CIFAR-10 records in file order, channels last", async () => {
  await inFolder(cifar10(), async (path) => {
    const train = await openCifar({ path, split: "train" });
    assertEquals([...train.labels], [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]);
    assertEquals(train.classes[9], "truck");
    assertEquals([...train.packed!.data.subarray(3072, 3078)], [1, 11, 21, 1, 11, 21]);
    assertEquals(train.where(3), `${path}/data_batch_2.bin, record 1`);
    assertEquals((await openCifar({ path, split: "test" })).length, 3);
  });
});

Deno.test("openCifar() reads fine and coarse labels of CIFAR-100", async () => {
  const coarseNames = Array.from({ length: 20 }, (_, i) => `group ${i}`).join("\n");
  const files = {
    "train.bin": records([[4, 71], [0, 99]]),
    "coarse_label_names.txt": new TextEncoder().encode(coarseNames + "\n"),
  };
  await inFolder(files, async (path) => {
    const fine = await openCifar({ path, split: "train" });
    assertEquals([[...fine.labels], fine.classes.length], [[71, 99], 100]);
    const coarse = await openCifar({ path, split: "train", labels: "coarse" });
    assertEquals([[...coarse.labels], coarse.classes[4]], [[4, 0], "group 4"]);
    assertEquals(fine.hash === coarse.hash, false);
  });
});

Deno.test("openCifar() reads .tar and .tar.gz like the folder", async () => {
  await inFolder(cifar10(), async (path) => {
    const folder = await openCifar({ path, split: "test" });
    const archive = pack();
    archive.entry(
      { name: "cifar-10-batches-bin/test_batch.bin" },
      await Deno.readFile(`${path}/test_batch.bin`),
    );
    archive.finalize();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for await (const part of archive) parts.push(part as Uint8Array<ArrayBuffer>);
    await Deno.writeFile(`${path}/c.tar`, new Uint8Array(await new Blob(parts).arrayBuffer()));
    await Deno.writeFile(
      `${path}/c.tar.gz`,
      new Blob(parts).stream().pipeThrough(new CompressionStream("gzip")),
    );
    for (const name of ["c.tar", "c.tar.gz"]) {
      const read = await openCifar({ path: `${path}/${name}`, split: "test" });
      assertEquals(read.hash, folder.hash);
      assertEquals(read.packed, folder.packed);
    }
    const whole = await Deno.readFile(`${path}/c.tar`);
    await Deno.writeFile(`${path}/cut.tar`, whole.subarray(0, 5000));
    await assertRejects(() => openCifar({ path: `${path}/cut.tar`, split: "test" }), RangeError, "cut.tar");
    await Deno.writeFile(`${path}/c.tar.xz`, new Uint8Array(100));
    await assertRejects(() => openCifar({ path: `${path}/c.tar.xz`, split: "test" }), RangeError, "xz -dk");
  });
});

Deno.test("openCifar() names file and record of what is wrong", async () => {
  const files = cifar10();
  await inFolder(
    { ...files, "data_batch_4.bin": files["data_batch_4.bin"]!.subarray(0, 4000) },
    async (path) => {
      await assertRejects(
        () => openCifar({ path, split: "train" }),
        RangeError,
        'data_batch_4.bin": it ends inside record 1',
      );
    },
  );
  await inFolder({ ...files, "test_batch.bin": records([[1], [10]]) }, async (path) => {
    await assertRejects(
      () => openCifar({ path, split: "test" }),
      RangeError,
      'test_batch.bin": label of record 1 is 10',
    );
  });
  const { "data_batch_2.bin": _, ...incomplete } = files;
  await inFolder(incomplete, async (path) => {
    await assertRejects(
      () => openCifar({ path, split: "train" }),
      RangeError,
      '"data_batch_2.bin" is missing',
    );
  });
});

Deno.test("openCifar() hashes content, not place", async () => {
  const hashes: string[] = [];
  const other = { ...cifar10(), "test_batch.bin": records([[3], [9], [1]]) };
  for (const files of [cifar10(), cifar10(), other]) {
    await inFolder(files, async (path) => void hashes.push((await openCifar({ path, split: "test" })).hash));
  }
  assertEquals(hashes[0], hashes[1]);
  assertEquals(hashes[0] === hashes[2], false);
});
