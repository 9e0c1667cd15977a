/**
 * MobileNetV2 with torchvision's parameter names and either padding.
 *
 * Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", https://arxiv.org/abs/1801.04381.
 *
 * Weights trained by TensorFlow want its SAME padding: a stride-2 window on an even side is padded at the bottom and right
 * only. torchvision pads one pixel on every side. The wrong one costs up to 20 points on small inputs.
 *
 * @module
 */
import { type Graph, GraphBuilder, type Id, type Pads, samePads } from "../core/graph/mod.ts";
import type { Card } from "./card.ts";

/** What a MobileNetV2 is built from. */
export interface MobileNetV2Options {
  /** Outputs of the head. @default 1000 */
  readonly outputs?: number;
  /** Side of the square input in pixels. @default 224 */
  readonly side?: number;
  /** How the 3 x 3 convolutions are padded. @default "tensorflow" */
  readonly padding?: "tensorflow" | "torch";
  /** Name of the input. @default "image" */
  readonly input?: string;
}

/** Expansion, channels, repeats, stride of the first: table 2 of the paper. */
const STAGES: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** MobileNetV2 of width 1: input `float32[N, side, side, 3]`, output `logits: float32[N, outputs]`. */
export function mobileNetV2(options: MobileNetV2Options = {}): Graph {
  const { outputs = 1000, side = 224, padding = "tensorflow", input = "image" } = options;
  const b = new GraphBuilder(`mobilenet_v2-${padding}`);
  const pad = (x: Id, stride: number): Pads => {
    const [, h, w] = b.shape(x);
    return padding === "torch" ? [1, 1, 1, 1] : samePads([h!, w!], 3, stride);
  };
  const act = (name: string, x: Id): Id => b.unary("relu6", b.batchNorm(name, x), `${name}.relu6`);
  const image = b.input(input, [side, side, 3]);
  let x = act(
    "features.0.1",
    b.conv("features.0.0", image, { filters: 32, kernel: 3, stride: 2, pad: pad(image, 2) }),
  );
  let index = 1;
  for (const [expansion, filters, repeats, firstStride] of STAGES) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const name = `features.${index++}.conv`;
      const stride = repeat === 0 ? firstStride : 1;
      const channels = b.shape(x).at(-1)!;
      let y = x;
      let part = 0;
      if (expansion !== 1) {
        y = act(`${name}.0.1`, b.conv(`${name}.0.0`, y, { filters: expansion * channels, kernel: 1 }));
        part = 1;
      }
      y = act(
        `${name}.${part}.1`,
        b.depthwise(`${name}.${part}.0`, y, { kernel: 3, stride, pad: pad(y, stride) }),
      );
      y = b.batchNorm(`${name}.${part + 2}`, b.conv(`${name}.${part + 1}`, y, { filters, kernel: 1 }));
      x = stride === 1 && channels === filters ? b.node("add", `${name}.add`, [x, y], null) : y;
    }
  }
  x = act("features.18.1", b.conv("features.18.0", x, { filters: 1280, kernel: 1 }));
  const features = b.node("dropout", "classifier.0", [b.unary("globalAveragePool", x, "pool")], {
    rate: 0.2,
  });
  b.output("logits", b.dense("classifier.1", features, { units: outputs }));
  return b.build();
}

/** Facts about the imported ImageNet weights. */
export const MOBILENET_V2_CARD: Card = {
  family: "mobilenet_v2",
  paper: "Sandler et al. 2018, https://arxiv.org/abs/1801.04381",
  departures: [],
  preprocessing: {
    side: 224,
    resize: "short side to 256, centre crop",
    range: "0 to 1, then mean and deviation: x / 127.5 - 1",
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  },
  weights: {
    source: "google-coral/test_data, tf2_mobilenet_v2_1.0_224_ptq.tflite, dequantised, torchvision layout",
    license: "Apache-2.0",
    reference: "TensorFlow padding; on 500 ImageNet validation images of ten classes 67.6 % top-1",
  },
};
