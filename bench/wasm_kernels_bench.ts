/**
 * How fast the gradient kernels of the wasm engine are, beside the backend's own forward kernels.
 *
 *     deno run -A bench/wasm_kernels_bench.ts [--seconds 15] [--only resnet32|mobilenetv2|resnet18]
 *
 * For each layer shape it prints GFLOP/s (two per multiply-accumulate, border included) of the forward pass, of the
 * filter gradient and of the input gradient, and the gradients as a share of the forward pass. The three are
 * interleaved and the best of the repeats is taken, which is the least disturbed one on a busy machine.
 */

import { tf } from "../train/engine/tf.ts";
import { registerWasmGradients } from "../train/engine/wasm/mod.ts";

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

function option(name: string, fallback: string): string {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? fallback : Deno.args[at + 1] ?? fallback;
}

/** Milliseconds of one call. The result is not read: the backend computes at once. */
function timed(body: () => tf.Tensor): number {
  const start = performance.now();
  const out = body();
  const ms = performance.now() - start;
  out.dispose();
  return ms;
}

function measure(layer: Layer, budgetMs: number): { readonly flops: number; readonly ms: number[] } {
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
  return { flops: 2 * batch * out * out * kh * kw * i * o, ms: best };
}

if (import.meta.main) {
  registerWasmGradients();
  await tf.setBackend("wasm");
  await tf.ready();
  const only = option("only", "");
  const layers = LAYERS.filter((layer) => layer.net.startsWith(only));
  const budgetMs = Number(option("seconds", "15")) * 1000 / layers.length;
  console.log(
    "layer                                        forward   dW            dX        (GFLOP/s, share)",
  );
  for (const layer of layers) {
    const { flops, ms } = measure(layer, budgetMs);
    const [forward, dw, dx] = ms.map((v) => flops / v / 1e6) as [number, number, number];
    const name = `${layer.net} ${layer.batch}x${layer.size} ${layer.filter.join("x")}/${layer.stride}` +
      (layer.depthwise ? " depthwise" : "");
    const share = (v: number) => `${v.toFixed(1).padStart(5)} (${(v / forward).toFixed(2)})`;
    console.log(`${name.padEnd(45)}${forward.toFixed(1).padStart(6)}  ${share(dw)}  ${share(dx)}`);
  }
}
