/**
 * From the description of a picture to its pixels.
 *
 * @module
 */
import { decode } from "../../core/image/mod.ts";
import type { Raster } from "../../core/image/raster.ts";
import type { Source } from "./dataset.ts";
import { renderScene } from "./scenes.ts";

/** Pixels of a source: read and decoded, rendered, or at hand. */
export async function realize(source: Source): Promise<Raster> {
  switch (source.kind) {
    case "raster":
      return source.raster;
    case "scene":
      return renderScene(source).image;
    case "file":
      return await decode(await Deno.readFile(source.path));
  }
}
