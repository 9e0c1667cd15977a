/**
 * Policies that must learn: 16 cells, one of them bright in the glance, and only its pixels tell the class.
 *
 * Random cells hit it in `used / 16` of the pictures and guess the rest; a policy that looks at the glance needs one cell.
 */
import { assert } from "@std/assert/mod.js";
import { type Graph, GraphBuilder } from "../../core/graph/mod.ts";
import { permutation, stream } from "../../core/random.ts";
import { type Tensor, tensor } from "../../core/tensor.ts";
import { gridPolicy } from "../../models/mod.ts";
import { Learner } from "../../train/engine/learner.ts";
import { open } from "../../train/engine/mod.ts";
import { type Evidence, evidenceBatch, evidenceBatches, evidenceVision } from "../../train/evidence.ts";
import { type Batches, measureGreedy, type MeasureParts, readLogits } from "../../train/measure.ts";
import {
  type LabelledFrames,
  policyStage,
  type PolicyStageOptions,
  type PolicyStageParts,
  published,
} from "../../train/patchdrop.ts";
import { TrainingRun } from "../../train/run.ts";
import { visionOf } from "../../train/vision.ts";
import { inFolder } from "../support/folder.ts";

const GRID = { rows: 4, columns: 4, cell: 4, halo: 0 };
const SIDE = 16;
const CLASSES = 4;
const GLANCE = { side: 4, resample: "area" } as const;

/** Patterns of mean 0, each orthogonal to the others: the glance shows none of them. */
const PATTERNS = [
  (x: number, _y: number) => x % 2 === 0 ? 1 : -1,
  (_x: number, y: number) => y % 2 === 0 ? 1 : -1,
  (x: number, y: number) => (x + y) % 2 === 0 ? 1 : -1,
  (x: number, _y: number) => x < 2 ? 1 : -1,
];

/** Frames with noise of mean 0 and one bright cell with the pattern of the class, anywhere. */
function frames(count: number, name: string): LabelledFrames & { readonly cells: Int32Array } {
  const random = stream(11, name);
  const images = Float32Array.from({ length: count * SIDE * SIDE * 3 }, () => random() - 0.5);
  const labels = new Int32Array(count);
  const cells = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    const cell = cells[n] = Math.floor(16 * random());
    const label = labels[n] = Math.floor(CLASSES * random());
    for (let y = 0; y < 4; y++) {
      for (let x = 0; x < 4; x++) {
        const at = ((n * SIDE + Math.floor(cell / 4) * 4 + y) * SIDE + (cell % 4) * 4 + x) * 3;
        images.fill(1 + PATTERNS[label]!(x, y), at, at + 3);
      }
    }
  }
  return { images, shape: [count, SIDE, SIDE, 3], labels, cells };
}

function part(all: LabelledFrames, rows: ArrayLike<number>): LabelledFrames {
  const size = SIDE * SIDE * 3;
  const images = new Float32Array(rows.length * size);
  Array.from(rows).forEach((row, n) =>
    images.set(all.images.subarray(row * size, (row + 1) * size), n * size)
  );
  return {
    images,
    shape: [rows.length, SIDE, SIDE, 3],
    labels: Int32Array.from(rows, (row) => all.labels[row]!),
  };
}

/** A classifier that knows the patterns: one filter each, as large as a cell, the best cell counts. */
function knowing(): { graph: Graph; weights: Map<string, Tensor> } {
  const b = new GraphBuilder("knowing");
  const x = b.conv("match", b.input("image", [SIDE, SIDE, 3]), { filters: CLASSES, kernel: 4, stride: 4 });
  b.output("logits", b.unary("globalMaxPool", x));
  const weight = tensor([4, 4, 3, CLASSES]);
  for (let i = 0; i < 16; i++) {
    PATTERNS.forEach((pattern, c) => weight.data[i * 3 * CLASSES + c] = pattern(i % 4, Math.floor(i / 4)));
  }
  return { graph: b.build(), weights: new Map([["match.weight", weight]]) };
}

/** Trains a policy and compares it with random cells of the same number, judged by the same vision. */
async function learns(
  parts: Omit<PolicyStageParts, "name" | "seed" | "reading" | "grid" | "glance">,
  options: PolicyStageOptions,
  test: { readonly batch: LabelledFrames; readonly vision: MeasureParts["vision"] },
): Promise<void> {
  await inFolder(async (folder) => {
    using run = await TrainingRun.open({ folder, progress: "silent" }, { policy: parts.actors.policy }, {});
    await run.stage(
      policyStage(
        { ...parts, name: "policy", seed: 1, reading: "canvas", grid: GRID, glance: GLANCE },
        options,
      ),
    );
  });
  const { batch, vision } = test;
  const held: Batches = {
    epoch: async function* () {
      yield await Promise.resolve(batch);
    },
  };
  const measured = { actors: parts.actors, vision, grid: GRID, glance: GLANCE, fusion: "none" } as const;
  const { accuracy, used, distinct } = await measureGreedy(measured, held);
  const random = stream(3, "random");
  const count = Math.ceil(used);
  const actions = new Float32Array(batch.labels.length * 16);
  for (let n = 0; n < batch.labels.length; n++) {
    for (const cell of permutation(16, random).subarray(0, count)) actions[16 * n + cell] = 1;
  }
  const logits = await readLogits(vision, batch, actions);
  let right = 0;
  batch.labels.forEach((label, n) => {
    const own = logits.subarray(CLASSES * n, CLASSES * (n + 1));
    if (own.indexOf(Math.max(...own)) === label) right += 1;
  });
  const chance = right / batch.labels.length;
  const found = `${accuracy.toFixed(3)} with ${used.toFixed(2)} cells, random ${chance.toFixed(3)}`;
  assert(used <= 3, found);
  assert(accuracy >= 0.95, found);
  assert(accuracy >= chance + 0.4, found);
  assert(distinct >= 12, `${found}; only ${distinct} different sets: it does not look`);
}

async function withPolicy(test: (policy: Learner) => Promise<void>): Promise<void> {
  const engine = await open("wasm");
  const policy = Learner.fresh(gridPolicy({ side: 4, rows: 4, columns: 4 }), 1);
  try {
    await test(policy);
  } finally {
    policy.dispose();
    engine.close();
  }
}

const FAST = { optimizer: { kind: "adam" }, schedule: { kind: "constant", base: 1e-2 } } as const;

Deno.test("policyStage() learns to look with the published reward, baseline and loss, a classifier judging canvases", async () => {
  await withPolicy(async (policy) => {
    const { graph, weights } = knowing();
    const classifier = new Learner(graph, weights);
    const vision = visionOf("canvas", GRID, classifier);
    const all = frames(512, "train");
    const data = async function* (epoch: number, from: number): AsyncGenerator<LabelledFrames> {
      const order = permutation(512, stream(1, `order/${epoch}`));
      for (let at = 64 * from; at < 512; at += 64) {
        yield await Promise.resolve(part(all, order.subarray(at, at + 64)));
      }
    };
    const options = { ...published("pretrain", 16), epochs: 12, batchSize: 64, policy: FAST };
    const test = { batch: frames(300, "test"), vision };
    await learns({ actors: { policy, classifier }, vision, batches: 8, data }, options, test);
    classifier.dispose();
  });
});

Deno.test("policyStage() learns to look with several samples and a leave-one-out baseline, from a table of evidence", async () => {
  await withPolicy(async (policy) => {
    const table = (name: string, count: number): Evidence => {
      const { images, labels, cells } = frames(count, name);
      const logits = new Float32Array(count * 16 * CLASSES);
      cells.forEach((cell, n) => logits[(16 * n + cell) * CLASSES + labels[n]!] = 1);
      const glances = new Float32Array(count * 16 * 3);
      images.forEach((value, i) => {
        const [n, p] = [Math.floor(i / (SIDE * SIDE * 3)), Math.floor(i / 3) % (SIDE * SIDE)];
        const cell = 4 * Math.floor(p / SIDE / 4) + Math.floor(p % SIDE / 4);
        glances[(16 * n + cell) * 3 + i % 3]! += value / 16;
      });
      return { glances, side: 4, logits, classes: CLASSES, labels };
    };
    const train = table("train", 512);
    const held = table("test", 300);
    const options: PolicyStageOptions = {
      ...published("pretrain", 16),
      epochs: 8,
      batchSize: 32,
      penalty: -1,
      zeroAt: 6,
      estimator: "leave-one-out",
      samples: 8,
      alpha: 0.9,
      policy: FAST,
    };
    await learns(
      {
        actors: { policy, classifier: policy },
        vision: evidenceVision(train, GRID),
        batches: 16,
        data: (epoch, from) => evidenceBatches(train, { seed: 1, epoch, batchSize: 32, from }),
      },
      options,
      { batch: evidenceBatch(held, held.labels.map((_, n) => n)), vision: evidenceVision(held, GRID) },
    );
  });
});
