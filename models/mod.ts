/**
 * The networks: one file per family, and the names the command line knows.
 *
 * @module
 */
import type { Graph } from "../core/graph/mod.ts";
import type { Card } from "./card.ts";
import { MOBILENET_V2_CARD, mobileNetV2 } from "./mobilenet_v2.ts";
import { resNet, RESNET_CARD } from "./resnet.ts";
import { RESNET_CIFAR_CARD, resNetCifar } from "./resnet_cifar.ts";

export type { Card } from "./card.ts";
export * from "./mobilenet_v2.ts";
export * from "./patches.ts";
export * from "./resnet.ts";
export * from "./resnet_cifar.ts";

/** A network by name: its graph and its card. */
export interface Model {
  /** Builds the graph, with as many outputs as there are classes. */
  readonly build: (outputs?: number) => Graph;
  /** Facts about it. */
  readonly card: Card;
}

const cifar = (depth: number): Model => ({
  build: (outputs = 10) => resNetCifar({ depth, outputs }),
  card: RESNET_CIFAR_CARD,
});
const imageNet = (depth: number): Model => ({
  build: (outputs = 1000) => resNet({ depth, outputs }),
  card: RESNET_CARD,
});
const mobile = (padding: "tensorflow" | "torch"): Model => ({
  build: (outputs = 1000) => mobileNetV2({ padding, outputs }),
  card: MOBILENET_V2_CARD,
});

/** Every network the command line can build. */
export const MODELS: Readonly<Record<string, Model>> = {
  "resnet8-cifar": cifar(8),
  "resnet20-cifar": cifar(20),
  "resnet32-cifar": cifar(32),
  "resnet44-cifar": cifar(44),
  "resnet56-cifar": cifar(56),
  "resnet110-cifar": cifar(110),
  resnet10: imageNet(10),
  resnet18: imageNet(18),
  resnet34: imageNet(34),
  resnet50: imageNet(50),
  resnet101: imageNet(101),
  mobilenet_v2: mobile("tensorflow"),
  "mobilenet_v2-torch": mobile("torch"),
};

/**
 * The network of a name.
 *
 * @throws {RangeError} If there is none, naming those there are.
 */
export function modelOf(name: string): Model {
  const model = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (model === undefined) {
    throw new RangeError(`Cannot find network "${name}": there is ${Object.keys(MODELS).join(", ")}`);
  }
  return model;
}
