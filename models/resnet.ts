/**
 * ResNets for ImageNet-sized pictures, 10 to 101 layers, with torchvision's parameter names.
 *
 * He et al. 2016, https://arxiv.org/abs/1512.03385. Departure, as in torchvision ("v1.5"): in bottleneck blocks the stride is
 * in the 3 x 3 convolution, not in the first 1 x 1. Depth 10 is the PatchDrop and BlockDrop policy: one basic block a stage.
 *
 * @module
 */
import { type Graph, GraphBuilder, type Id } from "../core/graph/mod.ts";
import type { Card } from "./card.ts";

const DEPTHS: Readonly<Record<number, { readonly blocks: readonly number[]; readonly bottleneck: boolean }>> =
  {
    10: { blocks: [1, 1, 1, 1], bottleneck: false },
    18: { blocks: [2, 2, 2, 2], bottleneck: false },
    34: { blocks: [3, 4, 6, 3], bottleneck: false },
    50: { blocks: [3, 4, 6, 3], bottleneck: true },
    101: { blocks: [3, 4, 23, 3], bottleneck: true },
  };

/** What an ImageNet ResNet is built from. */
export interface ResNetOptions {
  /** 10, 18, 34, 50 or 101. */
  readonly depth: number;
  /** Outputs of the head. @default 1000 */
  readonly outputs?: number;
  /** Side of the square input in pixels. @default 224 */
  readonly side?: number;
  /** Name of the input. @default "image" */
  readonly input?: string;
}

/**
 * An ImageNet ResNet: input `float32[N, side, side, 3]`, output `logits: float32[N, outputs]`.
 *
 * @throws {RangeError} If the depth is none of the five.
 */
export function resNet({ depth, outputs = 1000, side = 224, input = "image" }: ResNetOptions): Graph {
  const plan = Object.hasOwn(DEPTHS, depth) ? DEPTHS[depth] : undefined;
  if (plan === undefined) {
    throw new RangeError(`Cannot build ResNet: depth is ${depth}, must be ${Object.keys(DEPTHS).join(", ")}`);
  }
  const b = new GraphBuilder(`resnet${depth}`);
  const image = b.input(input, [side, side, 3]);
  const stem = b.batchNorm("bn1", b.conv("conv1", image, { filters: 64, kernel: 7, stride: 2, pad: 3 }));
  let x = b.unary("relu", stem, "relu1");
  x = b.node("maxPool", "maxpool", [x], { window: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  plan.blocks.forEach((count, stage) => {
    for (let block = 0; block < count; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      x = residual(b, `layer${stage + 1}.${block}`, x, 64 << stage, stride, plan.bottleneck);
    }
  });
  b.output("logits", b.dense("fc", b.unary("globalAveragePool", x, "pool"), { units: outputs }));
  return b.build();
}

function residual(
  b: GraphBuilder,
  name: string,
  x: Id,
  width: number,
  stride: number,
  bottleneck: boolean,
): Id {
  const layers = bottleneck
    ? [{ kernel: 1, stride: 1 }, { kernel: 3, stride }, { kernel: 1, stride: 1 }]
    : [{ kernel: 3, stride }, { kernel: 3, stride: 1 }];
  const filters = bottleneck ? 4 * width : width;
  let y = x;
  layers.forEach(({ kernel, stride }, i) => {
    const last = i === layers.length - 1;
    const out = last ? filters : width;
    const conv = b.conv(`${name}.conv${i + 1}`, y, { filters: out, kernel, stride, pad: kernel >> 1 });
    y = b.batchNorm(`${name}.bn${i + 1}`, conv);
    if (!last) y = b.unary("relu", y, `${name}.relu${i + 1}`);
  });
  const plain = stride === 1 && b.shape(x).at(-1) === filters;
  const side = plain
    ? x
    : b.batchNorm(`${name}.downsample.1`, b.conv(`${name}.downsample.0`, x, { filters, kernel: 1, stride }));
  return b.unary("relu", b.node("add", `${name}.add`, [y, side], null), `${name}.relu`);
}

/** Facts about the family; weights in torchvision's format fit. */
export const RESNET_CARD: Card = {
  family: "resnet",
  paper: "He et al. 2016, https://arxiv.org/abs/1512.03385",
  departures: ["stride of bottleneck blocks in the 3 x 3 convolution, as in torchvision"],
  preprocessing: {
    side: 224,
    resize: "short side to 256, centre crop",
    range: "0 to 1, then mean and deviation",
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  weights: null,
};
