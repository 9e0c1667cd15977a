import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import {
  DISK,
  DiskFullError,
  type Files,
  isDiskFull,
  readJson,
  removeLeftovers,
  writeAtomic,
} from "./files.ts";
import { inFolder, namesIn } from "../tests/support/folder.ts";
import { missing, testUnless } from "../tests/support/skip.ts";

const full = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });

Deno.test("writeAtomic() writes bytes and text, replaces, and leaves nothing beside them", () =>
  inFolder(async (folder) => {
    await writeAtomic(`${folder}/a`, "old");
    await writeAtomic(`${folder}/a`, "né");
    await writeAtomic(`${folder}/b`, new Uint8Array([0, 255]));
    assertEquals(await Deno.readTextFile(`${folder}/a`), "né");
    assertEquals(await Deno.readFile(`${folder}/b`), new Uint8Array([0, 255]));
    assertEquals(namesIn(folder), ["a", "b"]);
  }));

Deno.test("writeAtomic() fsyncs the file before the rename and the folder after it", () =>
  inFolder(async (folder) => {
    const calls: string[] = [];
    const files: Files = {
      write: (path, bytes) => (calls.push("write"), DISK.write(path, bytes)),
      rename: (from, to) => (calls.push("rename"), DISK.rename(from, to)),
      remove: (path) => (calls.push("remove"), DISK.remove(path)),
      syncFolder: (path) => (calls.push(`sync ${path === folder}`), DISK.syncFolder(path)),
    };
    await writeAtomic(`${folder}/a`, "x", { files });
    assertEquals(calls, ["write", "rename", "sync true"]);
  }));

Deno.test("writeAtomic() on a full disk keeps the old file, removes its own, names path and bytes", () =>
  inFolder(async (folder) => {
    await writeAtomic(`${folder}/a`, "old");
    const files: Files = {
      ...DISK,
      write: async (path, bytes) => {
        await DISK.write(path, bytes.subarray(0, 3));
        throw full;
      },
    };
    const error = await assertRejects(
      () => writeAtomic(`${folder}/a`, "longer than it", { files }),
      DiskFullError,
      `Cannot write "${folder}/a": the disk is full, 14 bytes must be free`,
    );
    assertEquals([error.path, error.bytes, error.cause], [`${folder}/a`, 14, full]);
    assertEquals(await Deno.readTextFile(`${folder}/a`), "old");
    assertEquals(namesIn(folder), ["a"]);
  }));

Deno.test("writeAtomic() passes other errors on and removes its own file", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/taken`);
    await Deno.writeTextFile(`${folder}/taken/x`, "");
    await assertRejects(() => writeAtomic(`${folder}/taken`, "x"));
    assertEquals(namesIn(folder), ["taken"]);
  }));

testUnless(missing("/dev/full"), "isDiskFull() knows what the operating system says", async () => {
  using file = await Deno.open("/dev/full", { write: true });
  const error = await assertRejects(() => file.write(new Uint8Array(1)));
  assert(isDiskFull(error));
  assert(!isDiskFull(new Error("ENOSPC")));
});

Deno.test("readJson() says which file is missing, empty, broken, too large or a folder", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.json`;
    await assertRejects(() => readJson(path), Deno.errors.NotFound, `"${path}": no such file, must be`);
    await Deno.writeTextFile(path, " ");
    await assertRejects(() => readJson(path), SyntaxError, `"${path}": the file is empty, must be JSON`);
    await Deno.writeTextFile(path, '{"a": 1,}');
    const error = await assertRejects(() => readJson(path), SyntaxError);
    assertStringIncludes(error.message, `Cannot read "${path}": `);
    await Deno.writeTextFile(path, '{"a": 1}');
    assertEquals(await readJson(path, { maxBytes: 8 }), { a: 1 });
    await assertRejects(() => readJson(path, { maxBytes: 7 }), RangeError, "8 bytes, must be at most 7");
    await assertRejects(() => readJson(folder), TypeError, "not a file");
  }));

Deno.test("removeLeftovers() removes what a killed write left and nothing else", () =>
  inFolder(async (folder) => {
    const files: Files = { ...DISK, rename: never, remove: never };
    await assertRejects(() => writeAtomic(`${folder}/a`, "x", { files }));
    await Deno.writeTextFile(`${folder}/.hidden`, "");
    assertEquals(namesIn(folder).length, 2);
    assertEquals((await removeLeftovers(folder)).length, 1);
    assertEquals(namesIn(folder), [".hidden"]);
  }));

function never(): Promise<void> {
  return Promise.reject(new Error("killed"));
}
