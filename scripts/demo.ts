/**
 * The demo: renders scenes nobody has seen, serves them over HTTP, and lets the client fetch only what it is told to.
 *
 * @module
 */
import { connect, type Look, picture } from "../client/mod.ts";
import type { Box, Size } from "../core/geometry/mod.ts";
import { decode, type Raster } from "../core/image/mod.ts";
import { startServer } from "../serve/adapters/deno.ts";
import type { ModelCard } from "../serve/protocol/mod.ts";
import { renderScene, SCENE_CLASSES } from "../train/data/mod.ts";
import { bytesText, demoSvg } from "./_demo_picture.ts";
import {
  columns,
  command,
  type CommonOptions,
  integer,
  MissingError,
  oneOf,
  type Outcome,
  percent,
  perform,
} from "./commands/command.ts";
import { REPOSITORY } from "./commands/repository.ts";
import { runMain } from "./commands/main.ts";

/** One scene, classified. */
export interface DemoScene {
  /** What it shows. */
  readonly label: string;
  /** What the model says it shows. */
  readonly predicted: string;
  /** How sure it is, 0 to 1. */
  readonly confidence: number;
  /** All classes, in the model's order. */
  readonly classes: readonly string[];
  /** Probabilities after the glance. */
  readonly before: ReadonlyMap<string, number>;
  /** Probabilities at the end. */
  readonly after: ReadonlyMap<string, number>;
  /** The whole picture. */
  readonly picture: Raster;
  /** The glance as it was sent. */
  readonly glance: Raster;
  /** Size every patch is sent at. */
  readonly patch: Size;
  /** Boxes of the patches sent, in the order they were asked for, in pixels of the picture. */
  readonly fetched: readonly Box[];
  /** Where the class is, in pixels of the picture; nobody but the picture knows. */
  readonly sign: Box;
  /** Patches of a whole frame. */
  readonly patchesTotal: number;
  /** Pixels sent, glance included, as a share of the picture. */
  readonly pixelShare: number;
  /** Bytes sent, glance included. */
  readonly bytes: number;
  /** Bytes of the glance. */
  readonly glanceBytes: number;
  /** Bytes of the whole picture in the same format and quality. */
  readonly wholeBytes: number;
  /** Turns of looking. */
  readonly turns: number;
}

interface Options extends CommonOptions {
  readonly scenes: number;
  readonly seed: number;
  readonly model: string;
  readonly repository: string;
  readonly runtime: "web" | "node";
  readonly out: string;
}

/** Looks at one scene through an edge. */
async function classify(
  edge: ReturnType<typeof connect>,
  card: ModelCard,
  { seed, index }: { readonly seed: number; readonly index: number },
): Promise<DemoScene> {
  const scene = renderScene({ seed, index, split: "demo" });
  const source = picture(scene.image);
  const turns: Look[] = [];
  for await (const turn of edge.look(source, { model: card.model, top: card.classes.length })) {
    turns.push(turn);
  }
  const [first, last] = [turns[0]!, turns.at(-1)!];
  const chances = ({ belief }: Look): Map<string, number> =>
    new Map(belief.top.map(({ label, probability }) => [label, probability]));
  const glance = await source.glance(card);
  const { width, height } = scene.image;
  return {
    label: SCENE_CLASSES[scene.label]!,
    predicted: last.belief.top[0]!.label,
    confidence: last.belief.confidence,
    classes: card.classes,
    before: chances(first),
    after: chances(last),
    picture: scene.image,
    glance: await decode(new Uint8Array(await glance.arrayBuffer())),
    patch: card.patch,
    fetched: last.sent.patches.map(({ box }) => box),
    sign: scene.box,
    patchesTotal: card.patchesTotal,
    pixelShare: last.sent.pixels / (width * height),
    bytes: last.sent.bytes,
    glanceBytes: last.sent.glanceBytes,
    wholeBytes: await source.wholeBytes(card.transfer.patch),
    turns: last.spent.turns,
  };
}

async function work(options: Options): Promise<Outcome> {
  const { repository, model, runtime, seed, out } = options;
  const server = await startServer({ repository, port: 0, runtime, workers: 1 }).catch((error: Error) => {
    throw new MissingError(`Cannot start the demo: ${error.message}`, { cause: error });
  });
  console.error(`serving ${repository} at ${server.url} with onnxruntime-${runtime}`);
  const scenes: DemoScene[] = [];
  try {
    const edge = connect(server.url);
    const card = await edge.card(model);
    for (let index = 0; index < options.scenes; index++) {
      scenes.push(await classify(edge, card, { seed, index }));
      console.error(`scene ${index + 1} of ${options.scenes}`);
    }
  } finally {
    await server.shutdown();
  }
  const path = await draw(scenes, out, model);
  return {
    json: {
      scenes: scenes.map((scene) => ({
        label: scene.label,
        predicted: scene.predicted,
        confidence: scene.confidence,
        patches: scene.fetched.length,
        patchesTotal: scene.patchesTotal,
        pixelShare: scene.pixelShare,
        bytes: scene.bytes,
        wholeBytes: scene.wholeBytes,
        turns: scene.turns,
      })),
      picture: path,
    },
    text: `${table(scenes)}\n\n${path}`,
  };
}

/** Writes the picture as PNG and as SVG. */
async function draw(scenes: readonly DemoScene[], out: string, model: string): Promise<string> {
  const right = scenes.filter(({ label, predicted }) => label === predicted).length;
  const sum = (value: (scene: DemoScene) => number): number =>
    scenes.reduce((total, scene) => total + value(scene), 0);
  const share = sum(({ bytes }) => bytes) / sum(({ wholeBytes }) => wholeBytes);
  const footer = `Model "${model}", ${scenes.length} scenes it has never seen: ${right} right, ` +
    `${(100 * share).toFixed(0)} % of the bytes sent`;
  const svg = await demoSvg(scenes, footer);
  await Deno.mkdir(out, { recursive: true });
  await Deno.writeTextFile(`${out}/demo.svg`, svg);
  const { svgToPng } = await import("./_svg_to_png.ts");
  await Deno.writeFile(`${out}/demo.png`, await svgToPng(svg, { zoom: 1.25 }));
  return `${out}/demo.png`;
}

function table(scenes: readonly DemoScene[]): string {
  return columns([
    ["scene", "predicted", "confidence", "patches", "pixels", "bytes", "whole", "saved", "turns"],
    ...scenes.map((scene) => [
      scene.label,
      scene.predicted + (scene.predicted === scene.label ? "" : " (wrong)"),
      percent(scene.confidence),
      `${scene.fetched.length}/${scene.patchesTotal}`,
      percent(scene.pixelShare),
      bytesText(scene.bytes),
      bytesText(scene.wholeBytes),
      percent(1 - scene.bytes / scene.wholeBytes),
      String(scene.turns),
    ]),
  ]);
}

/** The command. */
export function demoCommand(): ReturnType<typeof command> {
  return command(
    "demo",
    "Render new scenes, serve them over HTTP, and fetch only the patches that are asked for.",
    [
      "deno task demo",
      "deno task demo --seed 7 --scenes 8 --out out/seven --json",
    ],
  )
    .option("--scenes <n>", "number of scenes", integer(1), 4)
    .option("--seed <n>", "seed of the scenes", integer(0), 2026)
    .option("--model <id>", "model of the repository", "scenes")
    .option("--repository <dir>", "folder of bundles", REPOSITORY)
    .option("--runtime <name>", "ONNX Runtime: web or node", oneOf("web", "node"), "web")
    .option("--out <dir>", "folder for demo.png and demo.svg", "out")
    .action((options: Options) => perform(options, () => work(options)));
}

if (import.meta.main) Deno.exit(await runMain(demoCommand(), Deno.args));
