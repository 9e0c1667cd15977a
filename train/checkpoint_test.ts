import { assert, assertEquals, assertRejects } from "@std/assert/mod.js";
import { tensor } from "../core/tensor.ts";
import { type CheckpointContent, type Json, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import { DISK, DiskFullError, type Files } from "./files.ts";
import { inFolder, namesIn } from "../tests/support/folder.ts";

function inRun(test: (folder: string) => Promise<void>): Promise<void> {
  return inFolder((folder) => test(`${folder}/run`));
}

function content(step: number): CheckpointContent {
  return {
    tensors: new Map([
      ["conv.weight", tensor([2, 3], Float32Array.of(step, -0, 1e-40, NaN, Infinity, 0.1))],
      ["optimizer/conv.weight/momentum", tensor([1], Float32Array.of(step / 3))],
    ]),
    state: {
      stage: "policy",
      step,
      random: { policy: [1, 2 ** 32 - 1] },
      lr: 0.1,
      note: null,
      log: { metrics: 9 },
    },
  };
}

const quiet = { warn: () => {} };

Deno.test("saveCheckpoint() keeps every bit of the tensors and the state", () =>
  inRun(async (folder) => {
    assertEquals(await saveCheckpoint(folder, content(7)), "checkpoint-000001");
    const loaded = await loadCheckpoint(folder);
    assertEquals(loaded?.state, content(7).state);
    assertEquals([...loaded!.tensors.keys()], [...content(7).tensors.keys()]);
    for (const [name, { shape, data }] of content(7).tensors) {
      const found = loaded!.tensors.get(name)!;
      assertEquals(found.shape, shape);
      assertEquals(new Uint32Array(found.data.buffer), new Uint32Array(data.buffer));
    }
    assertEquals(loaded?.rejected, []);
  }));

Deno.test("loadCheckpoint() finds nothing in an empty or missing folder", () =>
  inRun(async (folder) => {
    assertEquals(await loadCheckpoint(folder), undefined);
    await Deno.mkdir(folder);
    assertEquals(await loadCheckpoint(folder), undefined);
  }));

Deno.test("saveCheckpoint() keeps the last two, never writes a file twice, and takes the newest past 999999", () =>
  inRun(async (folder) => {
    for (const step of [10, 20, 15]) await saveCheckpoint(folder, content(step)); // 15: a run that went back
    assertEquals(namesIn(folder), [
      "checkpoint-000002.json",
      "checkpoint-000002.safetensors",
      "checkpoint-000003.json",
      "checkpoint-000003.safetensors",
    ]);
    assertEquals((await loadCheckpoint(folder))?.state["step"], 15);
    for (const ending of ["json", "safetensors"]) {
      await Deno.rename(`${folder}/checkpoint-000003.${ending}`, `${folder}/checkpoint-999999.${ending}`);
    }
    assertEquals(await saveCheckpoint(folder, content(30), { keep: 1 }), "checkpoint-1000000");
    assertEquals((await loadCheckpoint(folder))?.state["step"], 30);
    assertEquals(namesIn(folder).length, 2);
  }));

Deno.test("saveCheckpoint() killed at any call leaves the checkpoint before or the new one, and the next save works", async (t) => {
  // Each call is stopped before and after its effect; a killed process makes no further call.
  const calls = ["write", "rename", "syncFolder", "write", "rename", "syncFolder", "remove", "remove"];
  for (let at = 0; at <= calls.length; at++) {
    for (const after of [false, true]) {
      await t.step(`${after ? "after" : "before"} call ${at}`, () =>
        inRun(async (folder) => {
          await saveCheckpoint(folder, content(1));
          await saveCheckpoint(folder, content(2));
          let count = 0;
          const step = async (act: () => Promise<void>): Promise<void> => {
            const now = count++;
            if (now > at || (now === at && !after)) throw new Error("killed");
            await act();
            if (now === at) throw new Error("killed");
          };
          const files: Files = {
            write: (path, bytes) => step(() => DISK.write(path, bytes)),
            rename: (from, to) => step(() => DISK.rename(from, to)),
            remove: (path) => step(() => DISK.remove(path)),
            syncFolder: (path) => step(() => DISK.syncFolder(path)),
          };
          const saved = await saveCheckpoint(folder, content(3), { files }).then(() => true, () => false);
          assertEquals(saved, at === calls.length);
          const loaded = await loadCheckpoint(folder, { warn: (message) => assert(false, message) });
          const renamed = at > 4 || (at === 4 && after); // call 4 makes the new JSON file visible
          assertEquals(loaded?.state["step"], renamed ? 3 : 2);
          await saveCheckpoint(folder, content(4));
          assertEquals((await loadCheckpoint(folder))?.state["step"], 4);
          assertEquals(namesIn(folder).length, 4);
        }));
    }
  }
});

Deno.test("saveCheckpoint() on a full disk leaves the folder as it was", () =>
  inRun(async (folder) => {
    await saveCheckpoint(folder, content(1));
    const before = namesIn(folder);
    const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
    const files: Files = {
      ...DISK,
      write: async (path, bytes) => {
        await DISK.write(path, bytes.subarray(0, bytes.length / 2));
        throw full;
      },
    };
    const error = await assertRejects(() => saveCheckpoint(folder, content(2), { files }), DiskFullError);
    assertEquals(error.path, `${folder}/checkpoint-000002.safetensors`);
    assertEquals(namesIn(folder), before);
    assertEquals((await loadCheckpoint(folder))?.state["step"], 1);
  }));

Deno.test("saveCheckpoint() first removes arrays whose JSON file found no room", () =>
  inRun(async (folder) => {
    await saveCheckpoint(folder, content(1));
    const full = Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
    const write: Files["write"] = (path, bytes) =>
      path.endsWith(`.json.${Deno.pid}`) ? Promise.reject(full) : DISK.write(path, bytes);
    await assertRejects(
      () => saveCheckpoint(folder, content(2), { files: { ...DISK, write } }),
      DiskFullError,
    );
    assertEquals((await loadCheckpoint(folder))?.state["step"], 1);
    const atFirstWrite: string[][] = [];
    const files: Files = {
      ...DISK,
      write: (path, bytes) => (atFirstWrite.push(namesIn(folder)), DISK.write(path, bytes)),
    };
    assertEquals(await saveCheckpoint(folder, content(3), { files }), "checkpoint-000003");
    assertEquals(atFirstWrite[0], ["checkpoint-000001.json", "checkpoint-000001.safetensors"]);
    assertEquals((await loadCheckpoint(folder))?.state["step"], 3);
  }));

for (const ending of ["safetensors", "json"]) {
  Deno.test(`loadCheckpoint() passes over a damaged .${ending} file and says so`, () =>
    inRun(async (folder) => {
      await saveCheckpoint(folder, content(1));
      const name = await saveCheckpoint(folder, content(2));
      const path = `${folder}/${name}.${ending}`;
      const whole = await Deno.readFile(path);
      for (const at of [0, Math.floor(whole.length / 2), whole.length - 4]) {
        const damaged = whole.slice();
        damaged[at]! ^= 1;
        await Deno.writeFile(path, damaged);
        if (ending === "json" && at === whole.length - 4) continue; // white space may differ: see the next test
        const warnings: string[] = [];
        const loaded = await loadCheckpoint(folder, { warn: (message) => warnings.push(message) });
        assertEquals([at, loaded?.state["step"]], [at, 1]);
        assertEquals(loaded?.rejected.map((one) => one.name), [name]);
        assertEquals(warnings.length, 1);
      }
      await Deno.writeFile(path, whole.subarray(0, whole.length - 5));
      assertEquals((await loadCheckpoint(folder, quiet))?.state["step"], 1);
    }));
}

Deno.test("loadCheckpoint() notices a changed number in the state", () =>
  inRun(async (folder) => {
    const name = await saveCheckpoint(folder, content(2));
    const path = `${folder}/${name}.json`;
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace('"step": 2', '"step": 3'));
    await assertRejects(
      () => loadCheckpoint(folder),
      Error,
      `Cannot load checkpoint from "${folder}": every one is damaged\n  ${name}: Cannot read "${path}": the state`,
    );
  }));

Deno.test("loadCheckpoint() names a missing tensor file and an unknown version", () =>
  inRun(async (folder) => {
    const first = await saveCheckpoint(folder, content(1));
    const second = await saveCheckpoint(folder, content(2));
    await Deno.remove(`${folder}/${second}.safetensors`);
    const path = `${folder}/${first}.json`;
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace('"version": 1', '"version": 2'));
    const error = await assertRejects(() => loadCheckpoint(folder, quiet), Error, "version is 2, must be 1");
    assert(error.message.includes(`${second}.safetensors`), error.message);
  }));

Deno.test("saveCheckpoint() refuses a state that JSON would change, before it writes anything", () =>
  inRun(async (folder) => {
    const states: Record<string, Json>[] = [
      { loss: NaN },
      { deep: [{ lr: Infinity }] },
      { when: new Date(0) as unknown as Json },
      { none: undefined as unknown as Json },
      { slots: new Float32Array(2) as unknown as Json },
    ];
    for (const state of states) {
      await assertRejects(
        () => saveCheckpoint(folder, { tensors: new Map(), state }),
        TypeError,
        "Cannot save",
      );
    }
    await assertRejects(() => saveCheckpoint(folder, content(1), { keep: 0 }), RangeError, "keep is 0");
    await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
  }));
