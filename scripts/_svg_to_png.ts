/**
 * SVG to PNG without native code, in the one font that comes with the project.
 *
 * @module
 */
import { createRequire } from "node:module";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

let ready: Promise<void> | undefined;

const require = createRequire(import.meta.url);

/** Renders an SVG whose texts are in Inter. */
export async function svgToPng(svg: string, { zoom }: { readonly zoom: number }): Promise<Uint8Array> {
  ready ??= initWasm(await Deno.readFile(require.resolve("@resvg/resvg-wasm/index_bg.wasm")));
  await ready;
  const fonts = ["400", "600", "700"].map((weight) =>
    Deno.readFile(require.resolve(`@fontsource/inter/files/inter-latin-${weight}-normal.woff2`))
  );
  const renderer = new Resvg(svg, {
    font: { fontBuffers: await Promise.all(fonts), defaultFontFamily: "Inter" },
    fitTo: { mode: "zoom", value: zoom },
  });
  const image = renderer.render();
  const bytes = image.asPng();
  image.free();
  renderer.free();
  return bytes;
}
