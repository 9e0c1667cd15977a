/**
 * Whether a network trained by this project is as good as one trained by PyTorch: the same recipe on both sides, from scratch.
 *
 *     deno run -A bench/learning/classifier.ts --start-peer --data cifar-10-batches-bin --peer runs/resnet20-torch/metrics.jsonl
 *     deno task saccade train --preset resnet20-cifar10 --data cifar-10-batches-bin --run runs/resnet20
 *     deno task saccade evaluate --network resnet20-cifar --weights runs/resnet20/network.safetensors \
 *       --data cifar-10-batches-bin --split test --json > runs/resnet20/test.json
 *     deno run -A bench/learning/classifier.ts --run runs/resnet20 --peer runs/resnet20-torch/metrics.jsonl
 *
 * What `_torch_run.py` does follows from the preset (`--preset`), so that the two can differ in nothing that a recipe says.
 * Reads the test accuracy from `RUN/test.json` (`--test` names another file). Writes a page and a figure to `--out`, bench/results.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { renderCharts } from "../../train/log/chart.ts";
import { type MetricsRow, readMetrics } from "../../train/log/metrics.ts";
import { readJson, writeAtomic } from "../../train/files.ts";
import { PRESETS } from "../../train/presets.ts";
import { asRecipe, type ClassifierRecipe, type Recipe } from "../../train/recipe.ts";
import { RUN_FILE } from "../../train/trainer.ts";
import { format, median, RESULTS } from "../_results.ts";

/** What `_torch_run.py` is told, as JSON. */
export interface Peer {
  /** Name of the zoo; the networks of `_torch_peer.py` have the same. */
  readonly network: string;
  /** Folder of CIFAR-10's binary files. */
  readonly data: string;
  readonly epochs: number;
  readonly batch: number;
  /** Learning rate after `warmup` steps; then half a cosine down to 0. */
  readonly base: number;
  readonly warmup: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  /** Border of black before the crop, in pixels. */
  readonly padding: number;
  /** Pictures held out. */
  readonly validation: number;
  readonly seed: number;
  readonly threads: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * A recipe in the peer's words.
 *
 * @throws {RangeError} If the peer has no words for it.
 */
export function peerOf(
  recipe: ClassifierRecipe,
  x: { readonly data: string; readonly threads: number },
): Peer {
  const { optimizer, schedule } = recipe.options.update;
  const { augmentation, normalization } = recipe;
  const known = optimizer.kind === "sgd" && (optimizer.clipNorm ?? 0) === 0 && schedule.kind === "cosine";
  if (!known || augmentation?.kind !== "pad-crop-flip") {
    throw new RangeError(
      `Cannot start the peer for "${recipe.id}": it knows SGD without clipping, a cosine and pad-crop-flip only`,
    );
  }
  return {
    network: recipe.network,
    data: x.data,
    epochs: recipe.options.epochs,
    batch: recipe.options.batchSize,
    base: schedule.base,
    warmup: schedule.warmup ?? 0,
    momentum: optimizer.momentum ?? 0.9,
    nesterov: optimizer.nesterov ?? false,
    weightDecay: optimizer.weightDecay ?? 0,
    padding: augmentation.paddingPx,
    validation: recipe.validation,
    seed: recipe.seed,
    threads: x.threads,
    mean: normalization.mean,
    std: normalization.std,
  };
}

/** One epoch of either side. */
export interface Epoch {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the training batches. */
  readonly loss: number;
  /** On held-out pictures, afterwards. */
  readonly accuracy: number;
  /** Training and validation; unknown for the first epoch of ours, whose start is not logged. */
  readonly seconds: number | undefined;
}

/** A finished run of either side. */
export interface Side {
  /** Oldest first. */
  readonly epochs: readonly Epoch[];
  /** Share of right answers on the test set. */
  readonly test: number;
  /** Pictures of the test set. */
  readonly images: number;
}

/** Epochs of our log. Lines of training are means since the last line; an epoch's loss weighs them by their steps. */
export function epochsOf(rows: readonly MetricsRow[]): Epoch[] {
  const epochs: Epoch[] = [];
  let [sum, steps, step] = [0, 0, 0];
  let started: number | undefined;
  for (const { stage, epoch, time, scalars, ...row } of rows) {
    if (stage.endsWith("/validation")) {
      const seconds = started === undefined ? undefined : time - started;
      epochs.push({ epoch, loss: sum / steps, accuracy: scalars["accuracy"]!, seconds });
      [sum, steps, started] = [0, 0, time];
    } else {
      sum += scalars["loss"]! * (row.step - step);
      steps += row.step - step;
      step = row.step;
    }
  }
  return epochs;
}

/**
 * The peer's log; an epoch that was begun again counts once.
 *
 * @throws {RangeError} If it has not finished.
 */
export function peerSide(text: string): Side & { readonly version: string } {
  const lines = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  const last = lines.at(-1);
  if (typeof last?.test !== "number") {
    throw new RangeError(
      "Cannot compare: the peer has not finished, the last line must have its test accuracy",
    );
  }
  const epochs = new Map<number, Epoch>(
    lines.filter((line) => typeof line.epoch === "number").map((line) => [line.epoch, line]),
  );
  return { epochs: [...epochs.values()], test: last.test, images: last.images, version: last.version };
}

/** Standard error of the difference of two shares, each of `images` pictures, as if they were drawn apart. */
export function standardError(a: number, b: number, images: number): number {
  return Math.sqrt((a * (1 - a) + b * (1 - b)) / images);
}

/** Both sides of a comparison. */
export interface Comparison {
  readonly recipe: ClassifierRecipe;
  readonly ours: Side;
  readonly peer: Side & { readonly version: string };
  /** Batches an epoch. */
  readonly batches: number;
  /** Where ours ran. */
  readonly engine: string;
}

/** The page. */
export function page({ recipe, ours, peer, batches, engine }: Comparison): string {
  const { batchSize, update: { optimizer, schedule } } = recipe.options;
  const perEpoch = batches * batchSize;
  const share = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const rate = ({ epochs }: Side): string => {
    const seconds = epochs.flatMap((each) => each.seconds ?? []);
    return seconds.length === 0 ? "–" : (perEpoch / median(seconds)).toFixed(0);
  };
  const column = (side: Side): string[] => [
    String(side.epochs.length),
    (side.epochs.length * perEpoch).toLocaleString("en-US"),
    side.epochs.at(-1)!.loss.toFixed(4),
    share(side.epochs.at(-1)!.accuracy),
    share(side.test),
    rate(side),
  ];
  const names = [
    "epochs",
    "pictures trained on",
    "training loss, last epoch",
    "validation accuracy, last epoch",
    "test accuracy",
    "images/s",
  ];
  const [own, theirs] = [column(ours), column(peer)];
  const error = standardError(ours.test, peer.test, ours.images);
  const points = 100 * (ours.test - peer.test);
  return `# ${recipe.title}: beside PyTorch

Written by \`bench/learning/classifier.ts\`. Both sides run the recipe \`${recipe.id}\`: ${recipe.network}, batches of
${batchSize}, SGD with ${
    optimizer.nesterov ? "Nesterov " : ""
  }momentum ${optimizer.momentum} and weight decay ${optimizer.weightDecay}, learning rate
${schedule.base} after ${schedule.warmup} steps, then half a cosine down to 0. Random numbers differ: first weights, order,
augmentation and the pictures held out (${recipe.validation.toLocaleString("en-US")} on both sides).

|  | Saccade | PyTorch |
|---|--:|--:|
${names.map((name, i) => `| ${name} | ${own[i]} | ${theirs[i]} |`).join("\n")}

Saccade: ${engine}. The other side: ${peer.version}. The test set (${
    ours.images.toLocaleString("en-US")
  } pictures) was read once,
after training. Images per second are those of training, time of validation included, median over the epochs; they are no
measurement of speed, which is in [\`train.md\`](train.md).

The difference on the test set is ${points >= 0 ? "+" : "−"}${
    Math.abs(points).toFixed(2)
  } percentage points. Its standard
error is ${
    (100 * error).toFixed(2)
  } from the number of test pictures alone; what another seed would change comes on top.

![Validation accuracy and training loss by epoch](${recipe.id}.svg)
`;
}

/** The figure: both curves of both sides. */
export function figure({ recipe, ours, peer }: Comparison): string {
  const series = (of: (epoch: Epoch) => number) =>
    [{ name: "Saccade", side: ours }, { name: "PyTorch", side: peer }].map(({ name, side }) => ({
      name,
      points: side.epochs.map((each) => ({ x: each.epoch, y: of(each) })),
    }));
  return renderCharts([
    {
      title: `${recipe.network}: validation accuracy`,
      x: { label: "epoch" },
      y: { label: "", percent: true },
      series: series(({ accuracy }) => accuracy),
    },
    {
      title: `${recipe.network}: training loss`,
      x: { label: "epoch" },
      y: { label: "cross-entropy" },
      series: series(({ loss }) => loss),
    },
  ]);
}

/** Runs the peer to its end, or on from where it was interrupted. */
async function startPeer(
  peer: Peer,
  { python, metrics }: { python: string; metrics: string },
): Promise<void> {
  await Deno.mkdir(metrics.slice(0, Math.max(0, metrics.lastIndexOf("/"))) || ".", { recursive: true });
  const script = new URL("_torch_run.py", import.meta.url);
  const { code } = await new Deno.Command(python, {
    args: [decodeURIComponent(script.pathname), JSON.stringify(peer), metrics],
  }).spawn().status;
  if (code !== 0) {
    throw new Error(`Cannot run the peer: ${python} ended with ${code}, must have PyTorch and NumPy`);
  }
}

/** Both sides from their files. */
async function compare(x: { run: string; peer: string; test: string }): Promise<Comparison> {
  const about = await readJson(`${x.run}/${RUN_FILE}`) as {
    recipe: unknown;
    engine?: string;
    device?: string;
  };
  const recipe = classifierIn(asRecipe(about.recipe), x.run);
  const rows = await readMetrics(x.run);
  const epochs = epochsOf(rows);
  const peer = peerSide(await Deno.readTextFile(x.peer));
  const { accuracy: test, images } = await readJson(x.test) as { accuracy?: number; images?: number };
  if (typeof test !== "number" || typeof images !== "number") {
    throw new RangeError(
      `Cannot compare: "${x.test}" has no accuracy and images, must be of saccade evaluate --json`,
    );
  }
  if (
    epochs.length !== recipe.options.epochs || peer.epochs.length !== epochs.length || images !== peer.images
  ) {
    throw new RangeError(
      `Cannot compare: ${epochs.length} and ${peer.epochs.length} epochs, ${images} and ${peer.images} test pictures, ` +
        `must be ${recipe.options.epochs} epochs and the same pictures`,
    );
  }
  return {
    recipe,
    ours: { epochs, test, images },
    peer,
    batches: rows.at(-1)!.step / epochs.length,
    engine: `engine ${about.engine ?? "unknown"}, ${about.device ?? "unknown device"}`,
  };
}

function classifierIn(recipe: Recipe | undefined, where: string): ClassifierRecipe {
  if (recipe?.method === "classifier") return recipe;
  throw new RangeError(`Cannot compare "${where}": ${recipe?.method ?? "no recipe"}, must be a classifier's`);
}

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      run: text,
      peer: text,
      test: text,
      out: { ...text, default: RESULTS },
      "start-peer": { type: "boolean", default: false },
      preset: { ...text, default: "resnet20-cifar10" },
      data: text,
      threads: { ...text, default: String(navigator.hardwareConcurrency) },
      python: { ...text, default: "/usr/bin/python3" },
    },
  });
  const given = (name: "run" | "peer" | "data"): string => {
    const value = values[name];
    if (value === undefined) throw new RangeError(`Cannot start: --${name} is missing`);
    return value;
  };
  try {
    if (values["start-peer"]) {
      const recipe = classifierIn(
        Object.entries(PRESETS).find(([name]) => name === values.preset)?.[1],
        values.preset,
      );
      const peer = peerOf(recipe, { data: given("data"), threads: Number(values.threads) });
      await startPeer(peer, { python: values.python, metrics: given("peer") });
    } else {
      const run = given("run");
      const test = values.test ?? `${run}/test.json`;
      const found = await compare({ run, peer: given("peer"), test });
      await Deno.mkdir(values.out, { recursive: true });
      const path = `${values.out}/${found.recipe.id}`;
      await writeAtomic(`${path}.svg`, figure(found));
      await writeAtomic(`${path}.md`, page(found));
      await format(`${path}.md`, `${path}.svg`);
      console.log(await Deno.readTextFile(`${path}.md`));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
