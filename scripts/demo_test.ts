import { assert, assertEquals } from "@std/assert/mod.js";
import { decode, sniff } from "../core/image/mod.ts";
import { inFolder } from "../tests/support/folder.ts";
import { missing, testUnless } from "../tests/support/skip.ts";
import { tinyFiles } from "../tests/support/tiny_bundle.ts";

interface Document {
  readonly scenes: readonly Record<string, number | string>[];
  readonly picture: string;
}

async function demo(...args: readonly string[]): Promise<Document> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "scripts/demo.ts", ...args, "--json"],
    cwd: new URL("..", import.meta.url).pathname,
  }).output();
  const text = new TextDecoder();
  assertEquals(code, 0, text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}

async function check({ scenes, picture }: Document, count: number): Promise<void> {
  assertEquals(scenes.length, count);
  for (const scene of scenes) {
    assertEquals(Object.keys(scene), [
      "label",
      "predicted",
      "confidence",
      "patches",
      "patchesTotal",
      "pixelShare",
      "bytes",
      "wholeBytes",
      "turns",
    ]);
    assert((scene["confidence"] as number) > 0 && (scene["confidence"] as number) <= 1);
    assert((scene["patches"] as number) <= (scene["patchesTotal"] as number));
  }
  const bytes = await Deno.readFile(picture);
  assertEquals(sniff(bytes).type, "image/png");
  // Not one flat colour: text and pictures are there.
  const { data } = await decode(bytes);
  assert(new Set(data.subarray(0, 3_000_000)).size > 100);
}

Deno.test("demo prints one document and draws one picture, whatever the model knows", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tiny/1`, { recursive: true });
    for (const [file, bytes] of await tinyFiles()) await Deno.writeFile(`${folder}/tiny/1/${file}`, bytes);
    const options = ["--model", "tiny", "--repository", folder, "--scenes", "2", "--out", `${folder}/out`];
    const found = await demo(...options);
    await check(found, 2);
    // The same seed shows the same scenes.
    assertEquals((await demo(...options)).scenes, found.scenes);
  });
});

const SCENES = new URL("../models/repository/scenes", import.meta.url).pathname;
testUnless(missing(SCENES), "demo tells most scenes apart with the model that ships", async () => {
  await inFolder(async (folder) => {
    const found = await demo("--scenes", "4", "--out", folder);
    await check(found, 4);
    const right = found.scenes.filter(({ label, predicted }) => label === predicted).length;
    assert(right >= 3, `${right} of 4`);
  });
});
