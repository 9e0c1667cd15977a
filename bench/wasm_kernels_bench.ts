/**
 * How fast the gradient kernels of the wasm engine are, beside the backend's own forward kernels.
 *
 *     deno run -A bench/wasm_kernels_bench.ts [--seconds 15] [--only resnet32|mobilenetv2|resnet18] [--out bench/results]
 *
 * For each layer shape: GFLOP/s (two per multiply-accumulate, border included) of the forward pass, of the filter gradient and
 * of the input gradient, and the gradients as a share of the forward pass. The three are interleaved and the best of the
 * repeats is taken, which is the least disturbed one on a busy machine. Printed and written to `wasm_kernels.md` and
 * `wasm_kernels.json`.
 */

import { parseArgs } from "node:util";
import { tf } from "../train/engine/tf.ts";
import { registerWasmGradients } from "../train/engine/wasm/mod.ts";
import { RESULTS, type Setting, settingLines, settingOf, writeResults } from "./_results.ts";

interface Layer {
  readonly net: string;
  readonly batch: number;
  readonly size: number;
  readonly filter: [number, number, number, number];
  readonly stride: number;
  readonly depthwise?: true;
}

const LAYERS: readonly Layer[] = [
  { net: "resnet32", batch: 32, size: 32, filter: [3, 3, 3, 16], stride: 1 },
  { net: "resnet32", batch: 32, size: 32, filter: [3, 3, 16, 16], stride: 1 },
  { net: "resnet32", batch: 32, size: 32, filter: [3, 3, 16, 32], stride: 2 },
  { net: "resnet32", batch: 32, size: 16, filter: [3, 3, 32, 32], stride: 1 },
  { net: "resnet32", batch: 32, size: 16, filter: [3, 3, 32, 64], stride: 2 },
  { net: "resnet32", batch: 32, size: 8, filter: [3, 3, 64, 64], stride: 1 },
  { net: "mobilenetv2", batch: 2, size: 224, filter: [3, 3, 3, 32], stride: 2 },
  { net: "mobilenetv2", batch: 2, size: 112, filter: [3, 3, 32, 1], stride: 1, depthwise: true },
  { net: "mobilenetv2", batch: 2, size: 112, filter: [1, 1, 16, 96], stride: 1 },
  { net: "mobilenetv2", batch: 2, size: 112, filter: [3, 3, 96, 1], stride: 2, depthwise: true },
  { net: "mobilenetv2", batch: 2, size: 56, filter: [1, 1, 96, 24], stride: 1 },
  { net: "mobilenetv2", batch: 2, size: 56, filter: [3, 3, 144, 1], stride: 1, depthwise: true },
  { net: "mobilenetv2", batch: 4, size: 28, filter: [1, 1, 192, 32], stride: 1 },
  { net: "mobilenetv2", batch: 4, size: 14, filter: [3, 3, 384, 1], stride: 1, depthwise: true },
  { net: "mobilenetv2", batch: 4, size: 14, filter: [1, 1, 64, 384], stride: 1 },
  { net: "mobilenetv2", batch: 4, size: 14, filter: [3, 3, 576, 1], stride: 2, depthwise: true },
  { net: "mobilenetv2", batch: 4, size: 7, filter: [3, 3, 960, 1], stride: 1, depthwise: true },
  { net: "mobilenetv2", batch: 4, size: 7, filter: [1, 1, 320, 1280], stride: 1 },
  { net: "resnet18", batch: 2, size: 224, filter: [7, 7, 3, 64], stride: 2 },
  { net: "resnet18", batch: 2, size: 14, filter: [3, 3, 256, 256], stride: 1 },
  { net: "resnet18", batch: 4, size: 7, filter: [3, 3, 512, 512], stride: 1 },
];

/** What was measured of a layer, GFLOP/s. */
interface Row {
  readonly layer: string;
  readonly forward: number;
  readonly filterGradient: number;
  readonly inputGradient: number;
}

/** Milliseconds of one call. The result is not read: the backend computes at once. */
function timed(body: () => tf.Tensor): number {
  const start = performance.now();
  const out = body();
  const ms = performance.now() - start;
  out.dispose();
  return ms;
}

function measure(layer: Layer, budgetMs: number): Row {
  const { batch, size, filter, stride, depthwise } = layer;
  const [kh, kw, i, o] = filter;
  const out = Math.ceil(size / stride);
  const x = tf.randomNormal<tf.Rank.R4>([batch, size, size, i], 0, 1, "float32", 1);
  const dy = tf.randomNormal<tf.Rank.R4>([batch, out, out, depthwise ? i * o : o], 0, 1, "float32", 2);
  const attrs = { strides: stride, pad: "same", dataFormat: "NHWC", dilations: 1 };
  const [forward, byFilter, byInput] = depthwise
    ? [
      tf.DepthwiseConv2dNative,
      tf.DepthwiseConv2dNativeBackpropFilter,
      tf.DepthwiseConv2dNativeBackpropInput,
    ]
    : [tf.Conv2D, tf.Conv2DBackpropFilter, tf.Conv2DBackpropInput];
  const run = (name: string, inputs: Record<string, tf.Tensor>, more: Record<string, unknown>) =>
    tf.engine().runKernel(name, inputs, { ...attrs, ...more } as never) as tf.Tensor;
  const best = [Infinity, Infinity, Infinity];
  const end = performance.now() + budgetMs;
  for (let k = 0; k < 5 || performance.now() < end; k++) {
    // As in training the filter is new each time: the backend packs it again.
    const w = tf.randomNormal<tf.Rank.R4>(filter, 0, 1, "float32", 3);
    const ms = [
      timed(() => run(forward, { x, filter: w }, {})),
      timed(() => run(byFilter, { x, dy }, { filterShape: filter })),
      timed(() => run(byInput, { dy, filter: w }, { inputShape: x.shape })),
    ];
    ms.forEach((v, at) => best[at] = Math.min(best[at]!, v));
    w.dispose();
  }
  tf.dispose([x, dy]);
  const flops = 2 * batch * out * out * kh * kw * i * o;
  const [forwardRate, filterRate, inputRate] = best.map((ms) => flops / ms / 1e6) as [number, number, number];
  return {
    layer: `${layer.net}, batch ${batch}, ${size} px, ${filter.join(" x ")}, stride ${stride}` +
      (depthwise ? ", depthwise" : ""),
    forward: forwardRate,
    filterGradient: filterRate,
    inputGradient: inputRate,
  };
}

function render(rows: readonly Row[], setting: Setting): string {
  const share = (rate: number, { forward }: Row): string =>
    `${rate.toFixed(1)} | ${(rate / forward).toFixed(2)}`;
  const shares = rows.flatMap((row) => [row.filterGradient / row.forward, row.inputGradient / row.forward]);
  return [
    "# Gradient kernels of the wasm engine",
    "",
    "Written by `bench/wasm_kernels_bench.ts`; the raw numbers are in `wasm_kernels.json`. GFLOP/s, one thread; `share` is of",
    "the forward kernel of tfjs on the same shape in the same process.",
    "",
    ...settingLines(setting),
    `- Lowest share: ${Math.min(...shares).toFixed(2)}`,
    "",
    "| layer | forward | by filter | share | by input | share |",
    "|---|--:|--:|--:|--:|--:|",
    ...rows.map((row) =>
      `| ${row.layer} | ${row.forward.toFixed(1)} | ${share(row.filterGradient, row)} | ${
        share(row.inputGradient, row)
      } |`
    ),
    "",
  ].join("\n");
}

if (import.meta.main) {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { seconds: { ...text, default: "15" }, only: { ...text, default: "" }, out: text },
  });
  registerWasmGradients();
  await tf.setBackend("wasm");
  await tf.ready();
  const layers = LAYERS.filter((layer) => layer.net.startsWith(values.only));
  const budgetMs = Number(values.seconds) * 1000 / layers.length;
  const rows = layers.map((layer) => {
    const row = measure(layer, budgetMs);
    console.error(row.layer);
    return row;
  });
  const setting = await settingOf();
  const page = render(rows, setting);
  await writeResults(values.out ?? RESULTS, "wasm_kernels", { results: { ...setting, rows }, page });
  console.log(page);
}
