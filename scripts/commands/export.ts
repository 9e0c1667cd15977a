/**
 * `saccade export`: makes a bundle of a finished run.
 *
 * @module
 */
import type { Command } from "commander";
import type { EngineName } from "../../train/engine/mod.ts";
import {
  command,
  type CommonOptions,
  integer,
  MissingError,
  oneOf,
  type Outcome,
  perform,
  UsageError,
} from "./command.ts";

/** Options as parsed. */
interface Options extends CommonOptions {
  readonly run: string;
  readonly data?: string;
  readonly repository: string;
  readonly engine: EngineName | "auto";
  readonly runtime?: "web" | "node";
  readonly images: number;
  readonly card?: string;
}

/** What a card file may say. */
interface CardFile {
  readonly about?: string;
  readonly limitations?: readonly string[];
  readonly command?: string;
  readonly sources?: { what: string; license: string; origin: string }[];
}

/** The command. */
export function exportCommand(): Command {
  return command("export", "Make a bundle of a finished run: ONNX, parity gate, operating points, card.", [
    "saccade export --run runs/scenes --repository models/repository",
    "saccade export --run runs/cifar10 --data cifar-10-batches-bin --card card.json",
  ])
    .requiredOption("--run <dir>", "folder of the run")
    .option("--data <spec>", "its training data (default: as it was trained)")
    .option("--repository <dir>", "folder of bundles", "models/repository")
    .option("--engine <name>", "auto, node-gpu, node, webgpu, wasm or cpu", "auto")
    .option("--runtime <name>", "ONNX Runtime of the parity gate: web or node", oneOf("web", "node"))
    .option("--images <n>", "validation pictures each operating point is measured on", integer(1), 2000)
    .option("--card <file>", "JSON with about, limitations, command, sources for the card")
    .action((options: Options) => perform(options, () => work(options)));
}

async function work(options: Options): Promise<Outcome> {
  const { readJson } = await import("../../train/files.ts");
  const { RUN_FILE } = await import("../../train/trainer.ts");
  const facts = await readJson(`${options.run}/${RUN_FILE}`) as Record<string, unknown>;
  const { recipeOf } = await import("./_recipe.ts");
  const recipe = await recipeOf({ preset: "", recipe: `${options.run}/${RUN_FILE}` });
  if (recipe.method !== "patchdrop") {
    const { NETWORK_FILE } = await import("../../train/classifier_trainer.ts");
    throw new UsageError(
      `Cannot export "${options.run}": it trained a plain classifier (${recipe.network}), must be a run of PatchDrop, ` +
        `which has what to serve. Measure the classifier with saccade evaluate --network ${recipe.network} ` +
        `--weights ${options.run}/${NETWORK_FILE}`,
    );
  }
  const { openDataset } = await import("../../train/data/mod.ts");
  const { dataset, found } = await openDataset(options.data ?? String(facts["data"]), "train");
  console.error(found);
  if (dataset.hash !== facts["dataHash"]) {
    throw new RangeError(`Cannot export "${options.run}": this is not the data it was trained on`);
  }
  const { EngineUnavailable, open } = await import("../../train/engine/mod.ts");
  const engine = await open(options.engine).catch((error) => {
    throw error instanceof EngineUnavailable ? new MissingError(error.message, { cause: error }) : error;
  });
  const { loadNetworks, openChosen } = await import("./_runtime.ts");
  const runtime = await openChosen({ runtime: options.runtime });
  const { exportRun } = await import("../../train/export.ts");
  const card = options.card === undefined ? {} : await readJson(options.card) as CardFile;
  const { sources = [], ...text } = card;
  const published = await exportRun({
    folder: options.run,
    recipe,
    data: dataset,
    root: options.repository,
    load: (networks) => loadNetworks(runtime, networks),
    provenance: {
      commit: await commit(),
      engine: `${facts["engine"] ?? engine.name}, ${facts["device"] ?? engine.device}`,
      created: new Date().toISOString(),
    },
    sources,
    card: text,
    images: options.images,
    say: (what) => console.error(what),
  });
  engine.close();
  const { manifest, folder, bytes } = published;
  const json = { folder, id: manifest.id, version: manifest.version, bytes };
  return {
    json,
    text: `${manifest.id} version ${manifest.version} is in ${folder} (${(bytes / 1e6).toFixed(2)} MB)`,
  };
}

/** Commit of the working tree, or `unknown` outside a checkout. */
async function commit(): Promise<string> {
  try {
    const git = async (...args: string[]): Promise<string> => {
      const { success, stdout } = await new Deno.Command("git", { args, stderr: "null" }).output();
      return success ? new TextDecoder().decode(stdout).trim() : "";
    };
    const head = await git("rev-parse", "HEAD");
    return head === ""
      ? "unknown"
      : `${head}${await git("status", "--porcelain") === "" ? "" : " with changes"}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "unknown";
    throw error;
  }
}
