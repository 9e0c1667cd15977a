/**
 * From a finished run to a bundle: networks through the parity gate, temperature, best fixed set and operating points on
 * validation data, manifest, card.
 *
 * @module
 */
import { type Manifest, methodOf, type OperatingPoint } from "../core/bundle/mod.ts";
import { area, cellCount, frameOf, whole } from "../core/geometry/mod.ts";
import type { Graph, Network, Weights } from "../core/graph/mod.ts";
import { batchingRun, glanceOf, normalizationTable, type Run, toInput } from "../core/policy/mod.ts";
import { argmax, type Named, pick, softmax, type Tensor } from "../core/tensor.ts";

import { loadCheckpoint } from "./checkpoint.ts";
import { createLoader, type Dataset, packedRaster } from "./data/mod.ts";
import { split } from "./data/split.ts";
import { Learner } from "./engine/learner.ts";
import { read } from "./engine/mod.ts";
import { tf } from "./engine/tf.ts";
import {
  bestFixedOrder,
  bestFixedOrderOfEvidence,
  Device,
  fitTemperature,
  Pictures,
  play,
  type PrefixTable,
  ranking,
  solveThresholds,
  tabulate,
  type Tabulated,
} from "./evaluate/mod.ts";
import { collectEvidence, type Evidence } from "./evidence.ts";
import { cutPatches } from "./vision.ts";
import {
  type ExportedNetwork,
  exportNetwork,
  type ManifestDraft,
  parityGate,
  publishBundle,
  type Published,
} from "./publish.ts";
import { frameView, graphsOf, type PatchdropRecipe } from "./recipe.ts";
import type { CardFacts } from "./card.ts";

/** What an export needs. */
export interface ExportOptions {
  /** Folder of the run. */
  readonly folder: string;
  /** Its recipe. */
  readonly recipe: PatchdropRecipe;
  /** Its training data; validation data is cut from it as in training. */
  readonly data: Dataset;
  /** Repository to publish into. */
  readonly root: string;
  /** Loads ONNX networks into the runtime the parity gate compares with. */
  readonly load: (
    networks: ReadonlyMap<string, Uint8Array>,
  ) => Promise<{ readonly run: Run; release(): Promise<void> }>;
  /** Where it was trained. */
  readonly provenance: Pick<Manifest["provenance"], "commit" | "engine" | "created">;
  /** Imported weights and their licences. */
  readonly sources: Manifest["sources"];
  /** What the card says. */
  readonly card: CardFacts;
  /** Validation pictures each operating point is measured on. @default 2000 */
  readonly images?: number;
  /** Told what is being done. */
  readonly say?: (what: string) => void;
}

/** Networks of a run by their names in a bundle, with weights from its newest checkpoint. */
async function networksOfRun({ folder, recipe, data }: ExportOptions): Promise<Map<string, Network>> {
  const checkpoint = await loadCheckpoint(folder);
  if (checkpoint === undefined) throw new RangeError(`Cannot export "${folder}": it holds no checkpoint`);
  const { stage } = checkpoint.state["position"] as { readonly stage: number };
  if (stage < recipe.stages.length) {
    throw new RangeError(`Cannot export "${folder}": stage "${recipe.stages[stage]!.name}" is not finished`);
  }
  const graphs = graphsOf(recipe, data.classes.length);
  const weightsOf = (name: string): Weights => {
    const prefix = `weights/${name}/`;
    const own = [...checkpoint.tensors].filter(([key]) => key.startsWith(prefix));
    return new Map(own.map(([key, value]) => [key.slice(prefix.length), value]));
  };
  const networks = new Map<string, Network>();
  const classifier = recipe.reading === "canvas" ? "classifier" : "reader";
  networks.set("policy", { graph: onlyLogits(graphs.policy), weights: weightsOf("policy") });
  networks.set(classifier, { graph: onlyLogits(graphs.classifier), weights: weightsOf("classifier") });
  if (graphs.glance !== undefined) {
    networks.set("glance", { graph: graphs.glance, weights: weightsOf("glance") });
  }
  return networks;
}

/** A graph that answers logits alone; other heads are for training. */
function onlyLogits(graph: Graph): Graph {
  return { ...graph, outputs: graph.outputs.filter(({ name }) => name === "logits") };
}

/** The networks on the open engine as a {@link Run}. */
function engineRun(learners: ReadonlyMap<string, Learner>): Run {
  return async (network, inputs) => {
    const learner = learners.get(network)!;
    const outputs = tf.tidy(() =>
      learner.predict(
        Object.fromEntries(
          Object.entries(inputs).map(([id, { shape, data }]) => [id, tf.tensor(data, [...shape])]),
        ),
      )
    );
    const named: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(outputs)) {
      named[name] = { shape: value.shape, data: await read(value) };
    }
    tf.dispose(Object.values(outputs));
    return named;
  };
}

/** Real inputs of every network: the first pictures of the validation data. */
async function realInputs(
  { recipe }: ExportOptions,
  validation: Dataset,
): Promise<Map<string, Named<Tensor>>> {
  const table = normalizationTable(recipe.normalization);
  const frame = frameOf(recipe.grid);
  const loader = createLoader(validation, { batchSize: 32, ...frameView(recipe, validation) });
  const inputs = new Map<string, Named<Tensor>>();
  for await (const { images, shape } of loader.epoch(0)) {
    const pictures = Array.from(
      { length: shape[0] },
      (_, i) =>
        packedRaster(
          { width: frame.width, height: frame.height, data: images, rows: Int32Array.from([i]) },
          0,
        ),
    );
    const model = {
      frame,
      glance: { width: recipe.glance.side, height: recipe.glance.side, resample: recipe.glance.resample },
      fit: "cover",
    } as const;
    const glance = toInput(pictures.map((picture) => glanceOf(picture, model)), table);
    inputs.set("policy", { glance });
    inputs.set("glance", { glance });
    const image = toInput(pictures, table);
    inputs.set("classifier", { image });
    const frames = { images: image.data, shape: [shape[0], frame.height, frame.width, 3] as const };
    const cut = cutPatches(
      recipe.grid,
      frames,
      pictures.map((_, i) => [i, (i * 37) % cellCount(recipe.grid)]),
    );
    inputs.set("reader", { patch: { shape: cut.shape, data: await read(cut) } });
    cut.dispose();
    break;
  }
  loader.close();
  return inputs;
}

/** Exports a run. The engine must be open. */
export async function exportRun(options: ExportOptions): Promise<Published> {
  const { recipe, data, folder, say = () => {} } = options;
  const { validation } = await split(data, { validation: recipe.validation, seed: recipe.seed });
  const networks = await networksOfRun(options);
  const exported = new Map<string, ExportedNetwork>();
  const learners = new Map<string, Learner>();
  for (const [name, network] of networks) {
    exported.set(name, exportNetwork(network, { model: recipe.id, network: name }));
    learners.set(name, new Learner(network.graph, network.weights));
  }
  const { run, release } = await options.load(
    new Map([...exported].map(([name, { bytes }]) => [name, bytes])),
  );
  say("parity: the same inputs through training engine and ONNX Runtime");
  const all = await realInputs(options, validation);
  const inputs = new Map([...networks.keys()].map((name) => [name, pick(Object.fromEntries(all), name)]));
  const { golden, errors } = await parityGate({ reference: engineRun(learners), candidate: run, inputs });
  for (const [name, error] of errors) say(`  ${name}: within ${error.toExponential(1)} of the range`);
  let draft: ManifestDraft = {
    id: recipe.id,
    title: recipe.title,
    method: {
      name: "patchdrop",
      grid: recipe.grid,
      reading: recipe.reading,
      fusion: networks.has("glance") ? recipe.fusion : "none",
      glanceNetwork: networks.has("glance"),
    },
    frame: frameOf(recipe.grid),
    glance: { width: recipe.glance.side, height: recipe.glance.side, resample: recipe.glance.resample },
    fit: "cover",
    normalization: { mean: [...recipe.normalization.mean], std: [...recipe.normalization.std] },
    transfer: { glance: { ...recipe.transfer.glance }, patch: { ...recipe.transfer.patch } },
    classes: [...data.classes],
    temperature: 1,
    operatingPoints: [unmeasured("published", { levels: [0.5] })],
    fixedOrder: [],
    provenance: {
      options: JSON.parse(JSON.stringify(recipe)),
      seed: recipe.seed,
      data: data.name,
      dataHash: data.hash,
      ...options.provenance,
    },
    license: "MIT",
    sources: options.sources,
  };
  draft = recipe.reading === "canvas"
    ? await settleCanvas(options, { draft, exported, run, validation, learners })
    : await settlePatches(options, { draft, validation, learners });
  const measured: OperatingPoint[] = [];
  for (const point of draft.operatingPoints) {
    say(`measuring operating point "${point.name}" on validation data`);
    measured.push(await measure(point, options, { draft, exported, run, validation }));
  }
  await release();
  for (const learner of learners.values()) learner.dispose();
  say(`publishing ${folder} as ${recipe.id}`);
  return await publishBundle({
    root: options.root,
    manifest: { ...draft, operatingPoints: measured },
    networks: exported,
    golden,
    card: options.card,
  });
}

interface Settling {
  readonly draft: ManifestDraft;
  readonly validation: Dataset;
  readonly learners: ReadonlyMap<string, Learner>;
}
interface Measuring extends Omit<Settling, "learners"> {
  readonly exported: ReadonlyMap<string, ExportedNetwork>;
  readonly run: Run;
}

function unmeasured(
  name: string,
  { levels, confidence }: Pick<OperatingPoint, "levels" | "confidence">,
): OperatingPoint {
  const early = confidence === undefined ? {} : { confidence };
  return { name, levels, ...early, split: "", images: 0, accuracy: 0, patches: 0, bytes: 0, macs: 0 };
}

/** A manifest good enough to play with: the files it names are not looked at. */
function playable(draft: ManifestDraft, exported: ReadonlyMap<string, ExportedNetwork>): Manifest {
  const file = { file: "x", sha256: "0".repeat(64) };
  const networks = Object.fromEntries(
    [...exported].map(([name, { bytes, ...facts }]) => [name, { ...file, ...facts, bytes: bytes.length }]),
  );
  return { ...draft, format: "saccade-bundle", formatVersion: "1.0", version: 1, networks, golden: file };
}

/** Temperature, best fixed set and thresholds of a classifier that reads a canvas. */
async function settleCanvas(
  { recipe, say = () => {} }: ExportOptions,
  { draft, exported, run, validation, learners }: Settling & Measuring,
): Promise<ManifestDraft> {
  const manifest = playable(draft, exported);
  const cells = cellCount(recipe.grid);
  const images = Math.min(2000, validation.length);
  say(`following the policy's ranking on ${images} validation pictures`);
  const tabulated = await tabulate({ manifest, run, dataset: validation, images });
  const temperature = temperatureOf(tabulated, cells, draft.classes.length);
  const table = retempered(tabulated, temperature, draft.classes.length);
  say(`temperature ${temperature.toFixed(3)}`);
  const solved = recipe.targets.length === 0
    ? []
    : solveThresholds(table, { targets: recipe.targets, maxLevels: recipe.turns });
  const points = solved.map((found, i) =>
    unmeasured(`patches-${recipe.targets[i]}`, { ...found, levels: [...found.levels] })
  );
  say("choosing the best fixed set");
  const order = await fixedOrderOf(recipe, validation, learners);
  return { ...draft, temperature, fixedOrder: order, operatingPoints: [...points, ...draft.operatingPoints] };
}

/** One temperature for the beliefs after 1 to K cells. */
function temperatureOf({ beliefs, labels }: Tabulated, cells: number, classes: number): number {
  const rows = labels.length * cells;
  const logits = new Float32Array(rows * classes);
  const wanted = new Int32Array(rows);
  for (let n = 0; n < labels.length; n++) {
    for (let k = 1; k <= cells; k++) {
      const row = n * cells + k - 1;
      const from = (n * (cells + 1) + k) * classes;
      for (let c = 0; c < classes; c++) {
        logits[row * classes + c] = Math.log(Math.max(1e-12, beliefs[from + c]!));
      }
      wanted[row] = labels[n]!;
    }
  }
  return fitTemperature({ logits, labels: wanted, classes });
}

/** The table with its confidences at a temperature. */
function retempered({ table, beliefs }: Tabulated, temperature: number, classes: number): Tabulated["table"] {
  const confidence = table.confidence.map((_, row) => {
    let [top, sum] = [0, 0];
    for (let c = 0; c < classes; c++) top = Math.max(top, beliefs[row * classes + c]!);
    for (let c = 0; c < classes; c++) sum += (beliefs[row * classes + c]! / top) ** (1 / temperature);
    return 1 / sum;
  });
  return { ...table, confidence };
}

async function fixedOrderOf(
  recipe: PatchdropRecipe,
  validation: Dataset,
  learners: ReadonlyMap<string, Learner>,
): Promise<number[]> {
  const { grid, normalization } = recipe;
  const cells = cellCount(grid);
  // As many as fit into 100 MB: all of them are held while cells are tried.
  const images = Math.min(1000, validation.length, Math.ceil(100e6 / (12 * area(whole(frameOf(grid))))));
  const loader = createLoader(validation, {
    batchSize: images,
    normalization,
    ...frameView(recipe, validation),
  });
  for await (const batch of loader.epoch(0)) {
    const frames = tf.tensor4d(batch.images, [...batch.shape]);
    const order = await bestFixedOrder({
      candidates: Array.from({ length: cells }, (_, cell) => cell),
      accuracyOf: async (chosen) => {
        const right = tf.tidy(() => {
          const on = Float32Array.from({ length: cells }, (_, cell) => chosen.includes(cell) ? 1 : 0);
          const mask = tf.mul(
            tf.tensor(on, [1, grid.rows, 1, grid.columns, 1]),
            tf.ones([1, 1, grid.cell, 1, grid.cell]),
          );
          const image = tf.mul(frames, tf.reshape(mask, [1, batch.shape[1], batch.shape[2], 1]));
          const { logits } = learners.get("classifier")!.predict({ image });
          return tf.mean(
            tf.cast(tf.equal(tf.argMax(logits!, 1), tf.tensor1d(batch.labels, "int32")), "float32"),
          );
        });
        const [share] = await read(right);
        right.dispose();
        return share!;
      },
    });
    frames.dispose();
    return order;
  }
  return [];
}

/** Temperature, best fixed set and thresholds of a reader of patches, from the evidence of every patch. */
async function settlePatches(
  { recipe, say = () => {} }: ExportOptions,
  { draft, validation, learners }: Settling,
): Promise<ManifestDraft> {
  say("reading every patch of the validation pictures");
  const evidence = await collectEvidence({
    reader: learners.get("reader")!,
    recipe,
    dataset: validation,
    title: "validation",
  });
  const { labels, classes, logits } = evidence;
  const images = labels.length;
  const cells = cellCount(recipe.grid);
  const order = bestFixedOrderOfEvidence({ images, cells, classes, evidence: logits, labels });
  const sums = await prefixSums(evidence, learners.get("policy")!, cells);
  const temperature = fitTemperature({ logits: sums.greedy, labels, classes });
  say(`temperature ${temperature.toFixed(3)}`);
  const solved = recipe.targets.length === 0 ? [] : solveThresholds(tableOf(sums, evidence, temperature), {
    targets: recipe.targets,
    maxLevels: recipe.turns,
  });
  const points = solved.map((found, i) =>
    unmeasured(`patches-${recipe.targets[i]}`, { ...found, levels: [...found.levels] })
  );
  return { ...draft, temperature, fixedOrder: order, operatingPoints: [...points, ...draft.operatingPoints] };
}

/** Evidence along the policy's ranking. */
interface PrefixSums {
  /** `float32[N, K]`, descending. */
  readonly probabilities: Float32Array;
  /** `float32[N, K + 1, C]`. */
  readonly sums: Float32Array;
  /** `float32[N, C]`, of the cells at one half and above. */
  readonly greedy: Float32Array;
}

async function prefixSums(
  { glances, side, logits, classes, labels }: Evidence,
  policy: Learner,
  cells: number,
): Promise<PrefixSums> {
  const images = labels.length;
  const chosen = tf.tidy(() =>
    tf.sigmoid(policy.predict({ glance: tf.tensor(glances, [images, side, side, 3]) })["logits"]!)
  );
  const on = await read(chosen);
  chosen.dispose();
  const probabilities = new Float32Array(images * cells);
  const sums = new Float32Array(images * (cells + 1) * classes);
  const greedy = new Float32Array(images * classes);
  for (let n = 0; n < images; n++) {
    const own = on.subarray(n * cells, (n + 1) * cells);
    ranking(own).forEach((cell, k) => {
      probabilities[n * cells + k] = own[cell]!;
      const row = (n * (cells + 1) + k + 1) * classes;
      for (let c = 0; c < classes; c++) {
        sums[row + c] = sums[row - classes + c]! + logits[(n * cells + cell) * classes + c]!;
        if (own[cell]! >= 0.5) greedy[n * classes + c] = sums[row + c]!;
      }
    });
  }
  return { probabilities, sums, greedy };
}

/** What happens after every prefix, at a temperature. */
function tableOf(
  { probabilities, sums }: PrefixSums,
  { labels, classes }: Evidence,
  temperature: number,
): PrefixTable {
  const images = labels.length;
  const cells = probabilities.length / images;
  const confidence = new Float32Array(images * (cells + 1));
  const correct = new Uint8Array(images * (cells + 1));
  for (let row = 0; row < confidence.length; row++) {
    const belief = softmax(sums.subarray(row * classes, (row + 1) * classes), temperature);
    const answer = argmax(belief);
    confidence[row] = belief[answer]!;
    correct[row] = answer === labels[Math.floor(row / (cells + 1))] ? 1 : 0;
  }
  return { images, cells, probabilities, confidence, correct };
}

/** An operating point with what it reaches on validation data, sent and received as it will be. */
async function measure(
  point: OperatingPoint,
  { images = 2000 }: ExportOptions,
  { draft, exported, run, validation }: Measuring,
): Promise<OperatingPoint> {
  const manifest = playable({ ...draft, operatingPoints: [point] }, exported);
  const method = methodOf(manifest, point);
  const count = Math.min(images, validation.length);
  const batched = batchingRun(run, { maxRows: 128 });
  const macsOf = (network: string): number => exported.get(network)?.macs ?? 0;
  const rows = await new Pictures(validation, count).map(256, async ({ pixels, label }) => {
    const { belief, cells, turns, glanceBytes, patchBytes } = await play({
      method,
      run: batched,
      device: new Device(pixels, manifest),
    });
    const reading = draft.method.reading === "canvas"
      ? turns * macsOf("classifier")
      : cells.length * macsOf("reader");
    return {
      right: argmax(belief) === label ? 1 : 0,
      patches: cells.length,
      bytes: glanceBytes + patchBytes,
      macs: macsOf("policy") + macsOf("glance") + reading,
    };
  });
  const mean = (of: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((total, row) => total + of(row), 0) / rows.length;
  return {
    ...point,
    split: validation.name,
    images: count,
    accuracy: mean(({ right }) => right),
    patches: mean(({ patches }) => patches),
    bytes: mean(({ bytes }) => bytes),
    macs: mean(({ macs }) => macs),
  };
}
