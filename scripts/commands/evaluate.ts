/**
 * `saccade evaluate`: a model and its baselines, or a single network, on labelled pictures.
 *
 * @module
 */
import type { Command } from "commander";
import type { Dataset } from "../../train/data/mod.ts";
import type { EvaluationReport } from "../../train/evaluate/report.ts";
import {
  columns,
  command,
  type CommonOptions,
  compact,
  integer,
  oneOf,
  type Outcome,
  percent,
  perform,
  probability,
  UsageError,
} from "./command.ts";

/** Options as parsed. */
interface Options extends CommonOptions {
  readonly model?: string;
  readonly network?: string;
  readonly weights?: string;
  readonly data: string;
  readonly split: string;
  readonly images?: number;
  readonly runtime?: "web" | "node";
  readonly engine?: string;
  readonly threads?: number;
  readonly repository?: string;
  readonly point?: string;
  readonly budgetPatches?: number;
  readonly budgetBytes?: number;
  readonly confidence?: number;
  readonly seed: number;
  readonly curve?: number;
  readonly batch: number;
  readonly out?: string;
}

/** The command. */
export function evaluateCommand(): Command {
  return command(
    "evaluate",
    "Measure a model and its baselines, or a single network, on labelled pictures.",
    [
      "saccade evaluate --model patchdrop-cifar10 --data cifar-10-batches-bin --split test",
      "saccade evaluate --model scenes --data scenes:seed=99,count=500 --split unseen --runtime web --json",
      "saccade evaluate --model scenes --data scenes:count=500 --split test --curve 200 --out out/scenes",
      "saccade evaluate --network resnet32-cifar --weights resnet32.safetensors --data DIR --split test --engine node",
    ],
  )
    .option("--model <id>", "model of the repository, or model@version")
    .option("--network <name>", "network of the zoo, with --weights")
    .option("--weights <file>", "safetensors in torchvision's layout")
    .requiredOption("--data <spec>", "folder, .tar, .csv, or scenes:seed=1,count=1000")
    .option("--split <name>", "part of the data", "test")
    .option("--images <n>", "the first n pictures, in the order of the data", integer(1))
    .option(
      "--runtime <name>",
      "ONNX Runtime: web or node (default: node, or web where that is missing)",
      oneOf("web", "node"),
    )
    .option("--engine <name>", "TensorFlow.js engine instead of a runtime, for --network: node, wasm, cpu, …")
    .option("--threads <n>", "threads of the runtime (default: the processor's, 4 at most)", integer(1))
    .option("--repository <dir>", "folder of bundles (default: the one that ships)")
    .option("--point <name>", "operating point (default: the first)")
    .option("--budget-patches <n>", "most patches of a picture", integer(0))
    .option("--budget-bytes <n>", "most bytes of a picture, glance included", integer(0))
    .option("--confidence <p>", "answer as soon as the likeliest class has this probability", probability)
    .option("--seed <n>", "seed of the random baselines", integer(0), 0)
    .option("--curve <n>", "accuracy against patches on the first n pictures (with --out)", integer(0))
    .option("--batch <n>", "most rows of a batch", integer(1), 100)
    .option("--out <dir>", "also write evaluate.json, curve.svg and report.html")
    .action((options: Options) => perform(options, () => work(options)));
}

async function work(options: Options): Promise<Outcome> {
  if ((options.model === undefined) === (options.network === undefined)) {
    throw new UsageError("Cannot evaluate: one of --model and --network must be given");
  }
  if (options.network !== undefined && options.weights === undefined) {
    throw new UsageError("Cannot evaluate: --network needs --weights");
  }
  if (options.engine !== undefined && (options.model !== undefined || options.runtime !== undefined)) {
    throw new UsageError("Cannot evaluate: --engine goes with --network alone, without --runtime");
  }
  const { openDataset } = await import("../../train/data/mod.ts");
  const { dataset, found } = await openDataset(options.data, options.split);
  console.error(found);
  return options.model === undefined
    ? await network(options, dataset)
    : await model(options, options.model, dataset);
}

async function network(options: Options, dataset: Dataset): Promise<Outcome> {
  const { evaluateNetwork } = await import("./_network.ts");
  const result = await evaluateNetwork(
    { ...options, network: options.network!, weights: options.weights! },
    dataset,
  );
  const text = `${options.network} on ${dataset.name}, ${result.images} pictures: ${
    percent(result.accuracy)
  }`;
  return { json: result, text };
}

async function model(options: Options, name: string, dataset: Dataset): Promise<Outcome> {
  const { findBundle, REPOSITORY } = await import("./repository.ts");
  const { loadNetworks, openChosen } = await import("./_runtime.ts");
  const { evaluate } = await import("../../train/evaluate/mod.ts");
  const { Progress } = await import("../../train/log/mod.ts");
  const { usualCost } = await import("../../serve/engine/turns.ts");
  const bundle = await findBundle(options.repository ?? REPOSITORY, name);
  const { run, release } = await loadNetworks(await openChosen(options), bundle.networks);
  const { images, point, curve, budgetPatches, budgetBytes, confidence } = options;
  const pictures = Math.min(images ?? dataset.length, dataset.length);
  const started = performance.now();
  using progress = new Progress({ title: name, total: 2 * pictures + Math.min(curve ?? 0, pictures) });
  const report = await evaluate({
    manifest: bundle.manifest,
    run,
    dataset,
    seed: options.seed,
    maxRows: options.batch,
    budget: {
      ...(budgetPatches === undefined ? {} : { patches: budgetPatches }),
      ...(budgetBytes === undefined ? {} : { bytes: budgetBytes }),
      ...(confidence === undefined ? {} : { confidence }),
    },
    cost: usualCost(bundle),
    ...(images === undefined ? {} : { images }),
    ...(point === undefined ? {} : { point }),
    ...(curve === undefined ? {} : { curveImages: curve }),
    onProgress: () => progress.advance(1),
  });
  await release();
  console.error(`${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (options.out !== undefined) {
    const { writeEvaluation } = await import("../../train/evaluate/files.ts");
    await writeEvaluation(options.out, report);
    console.error(`wrote ${options.out}/report.html`);
  }
  return { json: summary(report), text: describe(report) };
}

/** The document of `--json`. */
function summary({ images, accuracy, patches, bytes, macs, baselines }: EvaluationReport): unknown {
  return { images, accuracy, patches, bytes: bytes.total, macs, baselines };
}

function describe(report: EvaluationReport): string {
  const { bytes, patches, pixels, calibration, baselines } = report;
  const row = (name: string, one: { accuracy: number; patches: number }): string[] => [
    name,
    percent(one.accuracy),
    one.patches.toFixed(2),
  ];
  const table = columns([
    ["", "accuracy", "patches"],
    row(`${report.model} (${report.point})`, { accuracy: report.accuracy, patches: patches.mean }),
    row("glance only", baselines.glance),
    row("whole picture", baselines.full),
    row("random cells", baselines.random),
    row("centre first", baselines.center),
    row("best fixed set", baselines.fixed),
  ]);
  return `${report.model} ${report.version} on ${report.data}, ${report.images} pictures

${table}

patches      ${patches.mean.toFixed(2)} ± ${patches.std.toFixed(2)}, ${patches.distinct} different sets, ${
    report.turns.toFixed(2)
  } turns
pixels       ${percent(pixels.patches)} of the frame in patches, ${percent(pixels.glance)} in the glance
bytes        ${compact(bytes.total)} (glance ${compact(bytes.glance)}, patches ${
    compact(bytes.patches)
  }); whole ${compact(bytes.whole)}, ${
    bytes.saving < 0 ? `${percent(-bytes.saving)} more` : `${percent(bytes.saving)} saved`
  }
MACs         ${compact(report.macs)}
calibration  error ${percent(calibration.error)}, mean confidence ${percent(calibration.confidence)}`;
}
