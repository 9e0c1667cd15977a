/**
 * Small networks for large frames: a policy that gives every cell of a grid a logit from the glance around it, and a reader that
 * sees one patch at a time.
 *
 * @module
 */
import { type Graph, GraphBuilder, type Id } from "../core/graph/mod.ts";

/** What a grid policy is built from. */
export interface GridPolicyOptions {
  /** Side of the square glance in pixels. */
  readonly side: number;
  /** Cells from top to bottom. */
  readonly rows: number;
  /** Cells from left to right. */
  readonly columns: number;
  /** Initial bias of every logit. @default 0 */
  readonly bias?: number;
  /** Whether there is a second output `value: float32[N, 1]`, a learned baseline. @default false */
  readonly valueHead?: boolean;
}

function layer(b: GraphBuilder, name: string, x: Id, filters: number, stride: number): Id {
  const conv = b.conv(`${name}.conv`, x, { filters, kernel: 3, stride, pad: 1 });
  return b.unary("relu", b.batchNorm(`${name}.bn`, conv), `${name}.relu`);
}

/**
 * A fully convolutional policy: input `glance float32[N, side, side, 3]`, output `logits float32[N, rows * columns]`, row by row.
 * Every cell is judged by the same filters, wherever it lies.
 *
 * @throws {RangeError} If the side is not rows and columns times a power of two.
 */
export function gridPolicy({ side, rows, columns, bias = 0, valueHead = false }: GridPolicyOptions): Graph {
  const halvings = Math.log2(side / rows);
  if (rows !== columns || !Number.isInteger(halvings) || halvings < 0) {
    throw new RangeError(
      `Cannot build grid policy: side ${side} and grid ${rows} x ${columns}, must be square and a power of two apart`,
    );
  }
  const b = new GraphBuilder("grid-policy");
  let x = layer(b, "stem", b.input("glance", [side, side, 3]), 16, 1);
  for (let i = 0; i < halvings; i++) x = layer(b, `down${i + 1}`, x, 32, 2);
  x = layer(b, "body", x, 32, 1);
  if (valueHead) b.output("value", b.dense("value", b.unary("globalAveragePool", x, "pool"), { units: 1 }));
  const weight = b.param("head.weight", [1, 1, 32, 1]);
  x = b.node("conv", "head", [x, weight], {
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    dilations: [1, 1],
    groups: 1,
  });
  x = b.node("bias", "head:bias", [x, b.param("head.bias", [1], bias)], null);
  b.output("logits", b.node("reshape", "cells", [x], { shape: [rows * columns] }));
  return b.build();
}

/** What a patch reader is built from. */
export interface PatchReaderOptions {
  /** Side of the square patch in pixels. */
  readonly side: number;
  /** Number of classes. */
  readonly classes: number;
  /** Channels of the first layer; doubled twice. @default 16 */
  readonly width?: number;
}

/**
 * A reader of single patches: input `patch float32[P, side, side, 3]`, outputs `evidence float32[P, classes]`, what the patch says of
 * each class above saying nothing, and `logits`, the evidence that is positive. Logits are summed over the patches of a picture: a
 * patch without an object adds zero, however many there are. The last maximum asks "is it anywhere in this patch".
 */
export function patchReader({ side, classes, width = 16 }: PatchReaderOptions): Graph {
  const b = new GraphBuilder("patch-reader");
  let x = layer(b, "stem", b.input("patch", [side, side, 3]), width, 2);
  x = layer(b, "layer1", x, 2 * width, 1);
  x = layer(b, "layer2", x, 2 * width, 2);
  x = layer(b, "layer3", x, 4 * width, 1);
  x = layer(b, "layer4", x, 4 * width, 2);
  const evidence = b.dense("head", b.unary("globalMaxPool", x, "pool"), { units: classes });
  b.output("evidence", evidence);
  b.output("logits", b.unary("relu", evidence, "logits"));
  return b.build();
}
