/**
 * ResNets for CIFAR: three stages of basic blocks with 16, 32 and 64 channels, depth `6 n + 2`.
 *
 * He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2, https://arxiv.org/abs/1512.03385. Shortcuts are
 * option A (every second pixel, zero channels half before and half after), as in the paper. Parameter names are those of the
 * common PyTorch implementation (`conv1`, `layer1.0.conv1`, `linear`).
 *
 * The PatchDrop and BlockDrop policies are the same family with one block a stage (ResNet-8) and another head.
 *
 * @module
 */
import { type Graph, GraphBuilder, type Id } from "../core/graph/mod.ts";
import type { Card } from "./card.ts";

/** What a CIFAR ResNet is built from. */
export interface ResNetCifarOptions {
  /** Layers: 8, 20, 32, 44, 56 or 110, any `6 n + 2`. */
  readonly depth: number;
  /** Outputs of the head. */
  readonly outputs: number;
  /** Side of the square input in pixels. @default 32 */
  readonly side?: number;
  /** Channels of the first stage; doubled twice. @default 16 */
  readonly width?: number;
  /** Name of the input. @default "image" */
  readonly input?: string;
  /**
   * `pool`: mean over all positions, then a product (classifiers). `flatten`: all positions side by side, then a product: a
   * policy that must say where needs to know where.
   * @default "pool"
   */
  readonly head?: "pool" | "flatten";
  /** Initial bias of the head. @default 0 */
  readonly headBias?: number;
  /** Whether there is a second output `value: float32[N, 1]`, a learned baseline for policies. @default false */
  readonly valueHead?: boolean;
  /** Side the input is first enlarged to, nearest neighbour (the 2019 PatchDrop tree does this). @default none */
  readonly enlargeTo?: number;
}

/**
 * A CIFAR ResNet: input `float32[N, side, side, 3]`, output `logits: float32[N, outputs]`.
 *
 * @throws {RangeError} If the depth is not `6 n + 2`.
 */
export function resNetCifar(options: ResNetCifarOptions): Graph {
  const { depth, outputs, side = 32, width = 16, input = "image", head = "pool" } = options;
  const blocks = (depth - 2) / 6;
  if (!Number.isInteger(blocks) || blocks < 1) {
    throw new RangeError(`Cannot build ResNet: depth is ${depth}, must be 6 n + 2 (8, 20, 32, 44, 56, 110)`);
  }
  const b = new GraphBuilder(`resnet${depth}-cifar`);
  let x = b.input(input, [side, side, 3]);
  if (options.enlargeTo !== undefined) {
    x = b.node("resizeNearest", "enlarge", [x], { size: [options.enlargeTo, options.enlargeTo] });
  }
  x = b.unary("relu", b.batchNorm("bn1", b.conv("conv1", x, { filters: width, kernel: 3, pad: 1 })), "relu1");
  for (let stage = 0; stage < 3; stage++) {
    for (let block = 0; block < blocks; block++) {
      x = basicBlock(b, `layer${stage + 1}.${block}`, x, width << stage, stage > 0 && block === 0 ? 2 : 1);
    }
  }
  const features = head === "pool" ? b.unary("globalAveragePool", x, "pool") : flatten(b, x);
  b.output("logits", b.dense("linear", features, { units: outputs, biasFill: options.headBias ?? 0 }));
  if (options.valueHead === true) b.output("value", b.dense("value", features, { units: 1 }));
  return b.build();
}

function flatten(b: GraphBuilder, x: Id): Id {
  const [, h, w, c] = b.shape(x);
  return b.node("reshape", "flatten", [x], { shape: [h! * w! * c!] });
}

function basicBlock(b: GraphBuilder, name: string, x: Id, filters: number, stride: number): Id {
  const first = b.conv(`${name}.conv1`, x, { filters, kernel: 3, stride, pad: 1 });
  const hidden = b.unary("relu", b.batchNorm(`${name}.bn1`, first), `${name}.relu1`);
  const out = b.batchNorm(`${name}.bn2`, b.conv(`${name}.conv2`, hidden, { filters, kernel: 3, pad: 1 }));
  const sum = b.node("add", `${name}.add`, [out, shortcut(b, `${name}.shortcut`, x, filters, stride)], null);
  return b.unary("relu", sum, `${name}.relu2`);
}

/** Option A: no parameters. */
function shortcut(b: GraphBuilder, name: string, x: Id, filters: number, stride: number): Id {
  const missing = filters - b.shape(x).at(-1)!;
  const small = stride === 1
    ? x
    : b.node("subsample", `${name}.subsample`, [x], { strides: [stride, stride] });
  if (missing === 0) return small;
  const before = missing >> 1;
  return b.node("pad", `${name}.pad`, [small], {
    before: [0, 0, 0, before],
    after: [0, 0, 0, missing - before],
    value: 0,
  });
}

/** Facts about the imported CIFAR-10 ResNets. */
export const RESNET_CIFAR_CARD: Card = {
  family: "resnet-cifar",
  paper: "He et al. 2016, https://arxiv.org/abs/1512.03385",
  departures: [],
  preprocessing: {
    side: 32,
    resize: "none",
    range: "0 to 1, then mean and deviation",
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  weights: {
    source: "akamaster/pytorch_resnet_cifar10, pretrained_models, converted to safetensors",
    license: "BSD-2-Clause style, Copyright (c) 2018 Yerlan Idelbayev",
    reference: "CIFAR-10 test top-1: ResNet-20 91.73, ResNet-32 92.63, ResNet-44 93.10, ResNet-56 93.39 %",
  },
};
