import { assert, assertEquals } from "@std/assert/mod.js";
import { decode, encode, equalRasters, ImageError, raster } from "../../core/image/mod.ts";

const FOLDER = new URL("../../../shared/data/hostile/", import.meta.url);
const LIMITS = { maxBytes: 32 * 1024 * 1024, maxPixels: 24_000_000, maxSide: 16_384 };

function* filesIn(folder: URL): Generator<URL> {
  for (const entry of Deno.readDirSync(folder)) {
    const url = new URL(encodeURIComponent(entry.name) + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* filesIn(url);
    else yield url;
  }
}

function isThere(folder: URL): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch {
    return false;
  }
}

const present = isThere(FOLDER);
if (!present) console.error(`skipping hostile images: ${FOLDER.pathname} is not there`);

Deno.test({
  name: "decode() gives a picture or an ImageError for every hostile file, and stays whole",
  ignore: !present,
  async fn() {
    const good = await encode(raster(24, 24, new Uint8Array(24 * 24 * 3).fill(120)), { type: "image/jpeg" });
    const expected = await decode(good);
    const counts: Record<string, number> = {};
    let files = 0;
    for (const file of filesIn(FOLDER)) {
      files++;
      let outcome = "decoded";
      try {
        const { width, height, data } = await decode(Deno.readFileSync(file), LIMITS);
        assertEquals(data.length, width * height * 3, file.pathname);
      } catch (error) {
        if (!(error instanceof ImageError)) {
          throw new Error(`not an ImageError: ${file.pathname}`, { cause: error });
        }
        outcome = error.code;
        // What a decoder died of must not be felt by the next picture.
        assert(equalRasters(await decode(good), expected), file.pathname);
      }
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    assert(files > 900, `${files} files`);
    assert((counts["decoded"] ?? 0) >= 150, JSON.stringify(counts));
  },
});

Deno.test({
  name: "decode() reads all of the PNG conformance suite that is meant to be read",
  ignore: !present,
  async fn() {
    for (const file of filesIn(new URL("image-png/tests/pngsuite/", FOLDER))) {
      const name = file.pathname.slice(file.pathname.lastIndexOf("/") + 1);
      // names that begin with x are the deliberately broken ones
      if (!name.endsWith(".png") || name.startsWith("x")) continue;
      const { width, height } = await decode(Deno.readFileSync(file));
      assert(width > 0 && height > 0, name);
    }
  },
});
