/**
 * `saccade classify`: image files, by a server or by a bundle in this process.
 *
 * @module
 */
import type { Command } from "commander";
import type { Classification, Saccade } from "../../client/mod.ts";
import type { Raster } from "../../core/image/mod.ts";
import {
  columns,
  command,
  type CommonOptions,
  integer,
  oneOf,
  type Outcome,
  percent,
  perform,
  probability,
} from "./command.ts";

interface Options extends CommonOptions {
  readonly model: string;
  readonly server?: string;
  readonly repository?: string;
  readonly runtime?: "web" | "node";
  readonly point?: string;
  readonly budgetPatches?: number;
  readonly budgetBytes?: number;
  readonly confidence?: number;
  readonly annotate?: string;
}

/** The command. */
export function classifyCommand(): Command {
  return command("classify", "Classify image files, sending only the patches that are asked for.", [
    "saccade classify photo.jpg --model scenes",
    "saccade classify *.png --model scenes --server http://localhost:8000 --budget-bytes 20000",
    "saccade classify scene.png --model scenes --annotate out/ --json",
  ])
    .argument("<files...>", "JPEG, PNG or WebP")
    .requiredOption("--model <id>", "name of the model")
    .option("--server <url>", "edge server (default: the bundle runs in this process)")
    .option("--repository <dir>", "folder of bundles, without --server (default: the one that ships)")
    .option(
      "--runtime <name>",
      "ONNX Runtime, without --server: web or node (default: web)",
      oneOf("web", "node"),
    )
    .option("--point <name>", "operating point (default: the first)")
    .option("--budget-patches <n>", "most patches of a picture", integer(0))
    .option("--budget-bytes <n>", "most bytes of a picture, glance included", integer(0))
    .option("--confidence <p>", "answer as soon as the likeliest class has this probability", probability)
    .option("--annotate <dir>", "write <name>.saccade.png: the picture dimmed, what was fetched bright")
    .action((files: string[], options: Options) => perform(options, () => work(files, options)));
}

async function work(files: readonly string[], options: Options): Promise<Outcome> {
  const { file } = await import("../../client/mod.ts");
  const { model, point, budgetPatches, budgetBytes, confidence } = options;
  const budget = {
    ...(budgetPatches === undefined ? {} : { patches: budgetPatches }),
    ...(budgetBytes === undefined ? {} : { bytes: budgetBytes }),
    ...(confidence === undefined ? {} : { confidence }),
  };
  const { client, close } = await reach(options);
  const results: { readonly file: string; readonly found: Classification }[] = [];
  try {
    for (const path of files) {
      const bytes = await Deno.readFile(path);
      const found = await client.classify(file(bytes), {
        model,
        budget,
        ...(point === undefined ? {} : { point }),
      });
      results.push({ file: path, found });
      if (options.annotate !== undefined) await annotate(options.annotate, path, bytes, found);
    }
  } finally {
    await close();
  }
  return {
    json: {
      model,
      pictures: results.map(({ file, found: { fetched: _, top, ...found } }) => ({
        file,
        ...found,
        top: top.map(({ label, probability }) => ({ label, probability })),
      })),
    },
    text: columns([
      ["file", "label", "confidence", "patches", "bytes", "whole", "saved"],
      ...results.map(({ file, found }) => [
        file,
        found.label,
        percent(found.confidence),
        `${found.patches}/${found.patchesTotal}`,
        String(found.bytes),
        String(found.wholeBytes),
        percent(found.savedBytes / found.wholeBytes),
      ]),
    ]),
  };
}

/** The server, or the same service in this process, asked without a network. */
async function reach(
  { server, repository, runtime = "web" }: Options,
): Promise<{ client: Saccade; close: () => Promise<void> }> {
  const { connect } = await import("../../client/mod.ts");
  if (server !== undefined) return { client: connect(server), close: () => Promise.resolve() };
  const { openService } = await import("./_service.ts");
  const { REPOSITORY } = await import("./repository.ts");
  const service = await openService({ repository: repository ?? REPOSITORY, runtime });
  return { client: connect("http://in.process", { fetch: service.fetch }), close: service.close };
}

async function annotate(
  folder: string,
  path: string,
  bytes: Uint8Array,
  found: Classification,
): Promise<void> {
  const { decode, encode } = await import("../../core/image/mod.ts");
  const { whole } = await import("../../core/geometry/mod.ts");
  const picture = await decode(bytes);
  const shown: Raster = { ...picture, data: picture.data.map((value) => 64 + Math.round(0.25 * value)) };
  for (const { box } of found.fetched) {
    for (let y = box.y; y < box.y + box.h; y++) {
      const line = (y * picture.width + box.x) * 3;
      shown.data.set(picture.data.subarray(line, line + box.w * 3), line);
    }
    outline(shown, box);
  }
  outline(shown, whole(picture));
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(`${folder}/${name}.saccade.png`, await encode(shown, { type: "image/png" }));
}

/** Frames a box with one bright pixel. */
function outline({ width, data }: Raster, box: { x: number; y: number; w: number; h: number }): void {
  for (let y = box.y; y < box.y + box.h; y++) {
    for (let x = box.x; x < box.x + box.w; x++) {
      const edge = x === box.x || y === box.y || x === box.x + box.w - 1 || y === box.y + box.h - 1;
      if (edge) data.set([255, 196, 0], (y * width + x) * 3);
    }
  }
}
