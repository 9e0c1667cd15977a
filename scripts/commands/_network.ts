/**
 * Accuracy of one network of the zoo, on a TensorFlow.js engine or an ONNX runtime.
 *
 * @module
 */
import { forInference, type Graph, type Weights } from "../../core/graph/mod.ts";
import { toOnnx } from "../../core/onnx/mod.ts";
import { argmax, pick, type Tensor } from "../../core/tensor.ts";
import { decodeSafetensors, fromTorch } from "../../core/weights/mod.ts";
import { modelOf } from "../../models/mod.ts";
import { createLoader, type Dataset } from "../../train/data/mod.ts";
import { Progress } from "../../train/log/mod.ts";
import { networkView } from "../../train/recipe.ts";
import { MissingError, UsageError } from "./command.ts";
import { loadNetworks, openChosen } from "./_runtime.ts";

/** What to measure. */
export interface NetworkOptions {
  /** Name in the zoo. */
  readonly network: string;
  /** Safetensors file. */
  readonly weights: string;
  /** The first so many pictures. */
  readonly images?: number;
  /** ONNX runtime. */
  readonly runtime?: "web" | "node";
  /** TensorFlow.js engine; not beside a runtime. */
  readonly engine?: string;
  /** Threads of a runtime. */
  readonly threads?: number;
  /** Pictures of a batch. */
  readonly batch: number;
}

/** Logits of a batch of `float32[N, H, W, 3]`. */
type Classify = (images: Tensor) => Promise<Tensor>;

/** Share of right answers over the pictures in the order of the data. */
export async function evaluateNetwork(
  options: NetworkOptions,
  dataset: Dataset,
): Promise<{ readonly images: number; readonly accuracy: number }> {
  const { build, card } = zoo(options.network);
  const { tensors } = decodeSafetensors(await Deno.readFile(options.weights));
  const graph = build(dataset.classes.length);
  const weights = fromTorch(graph, tensors);
  const images = Math.min(options.images ?? dataset.length, dataset.length);
  const [classify, release] = options.engine === undefined
    ? await onRuntime(graph, weights, options)
    : await onEngine(graph, weights, options.engine);
  const { mean, std } = card.preprocessing;
  const view = networkView(graph, dataset);
  const loader = createLoader(dataset, {
    batchSize: options.batch,
    normalization: { mean, std },
    ...(view === undefined ? {} : { augmentation: view }),
  });
  using progress = new Progress({ title: options.network, total: images });
  let [done, right] = [0, 0];
  for await (const batch of loader.epoch(0)) {
    const count = Math.min(batch.labels.length, images - done);
    const { shape: [, classes], data } = await classify({ shape: batch.shape, data: batch.images });
    for (let n = 0; n < count; n++) {
      if (argmax(data.subarray(n * classes!, (n + 1) * classes!)) === batch.labels[n]) right += 1;
    }
    done += count;
    progress.advance(count);
    if (done >= images) break;
  }
  loader.close();
  await release();
  return { images: done, accuracy: right / done };
}

function zoo(name: string): ReturnType<typeof modelOf> {
  try {
    return modelOf(name);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function onRuntime(
  graph: Graph,
  weights: Weights,
  options: NetworkOptions,
): Promise<[Classify, () => Promise<void>]> {
  const bytes = toOnnx(forInference({ graph, weights }));
  const { run, release } = await loadNetworks(await openChosen(options), new Map([["network", bytes]]));
  const input = graph.inputs[0]!.id;
  return [async (images) => pick(await run("network", { [input]: images }), "logits"), release];
}

async function onEngine(
  graph: Graph,
  weights: Weights,
  name: string,
): Promise<[Classify, () => Promise<void>]> {
  const { ENGINE_NAMES, EngineUnavailable, open, tf } = await import("../../train/engine/mod.ts");
  const { Learner } = await import("../../train/engine/learner.ts");
  const wanted = ["auto" as const, ...ENGINE_NAMES].find((each) => each === name);
  if (wanted === undefined) {
    throw new UsageError(`Cannot use engine "${name}": there is auto, ${ENGINE_NAMES.join(", ")}`);
  }
  const engine = await open(wanted).catch((error) => {
    throw error instanceof EngineUnavailable ? new MissingError(error.message, { cause: error }) : error;
  });
  console.error(`engine ${engine.name}: ${engine.device}, ${engine.version}`);
  const learner = new Learner(graph, weights);
  const input = graph.inputs[0]!.id;
  const classify: Classify = async ({ shape, data }) => {
    const logits = tf.tidy(() => learner.predict({ [input]: tf.tensor(data, [...shape]) })["logits"]!);
    const values = await logits.data<"float32">();
    const copy = { shape: logits.shape, data: values.slice() };
    logits.dispose();
    return copy;
  };
  const release = (): Promise<void> => {
    learner.dispose();
    engine.close();
    return Promise.resolve();
  };
  return [classify, release];
}
