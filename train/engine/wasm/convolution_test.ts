/** Gradients of convolutions against tfjs' `cpu` backend. Tolerances: `_testing.ts`. */

import { assertThrows } from "@std/assert/mod.js";
import { tf } from "../tf.ts";
import { assertClose, compare, gradients, noise, on } from "./_testing.ts";

type Shape4 = [number, number, number, number];
type Pad = "same" | "valid" | number | [
  [number, number],
  [number, number],
  [number, number],
  [number, number],
];

interface Case {
  readonly name: string;
  /** `[N, H, W, I]` */
  readonly x: Shape4;
  /** `[KH, KW, I, O]`, depthwise `[KH, KW, C, M]` */
  readonly filter: Shape4;
  readonly strides: number | [number, number];
  readonly pad: Pad;
}

const CONVOLUTIONS: readonly Case[] = [
  { name: "3x3 same", x: [2, 8, 8, 16], filter: [3, 3, 16, 16], strides: 1, pad: "same" },
  { name: "odd sizes", x: [3, 7, 5, 6], filter: [3, 3, 6, 9], strides: 1, pad: "same" },
  { name: "stem of three channels", x: [2, 9, 9, 3], filter: [3, 3, 3, 16], strides: 1, pad: 1 },
  { name: "ten outputs", x: [2, 6, 6, 5], filter: [3, 3, 5, 10], strides: 1, pad: "valid" },
  { name: "stride 2 same", x: [2, 9, 8, 8], filter: [3, 3, 8, 12], strides: 2, pad: "same" },
  { name: "stride 2 padding 1", x: [2, 8, 8, 4], filter: [3, 3, 4, 8], strides: 2, pad: 1 },
  { name: "stride 3 valid", x: [1, 11, 10, 4], filter: [2, 3, 4, 4], strides: 3, pad: "valid" },
  { name: "strides differ", x: [2, 9, 10, 4], filter: [3, 2, 4, 8], strides: [2, 1], pad: "same" },
  { name: "1x1", x: [2, 5, 5, 12], filter: [1, 1, 12, 20], strides: 1, pad: "same" },
  { name: "1x1, seven to five", x: [3, 3, 3, 7], filter: [1, 1, 7, 5], strides: 1, pad: 0 },
  { name: "1x1 stride 2", x: [2, 7, 8, 8], filter: [1, 1, 8, 8], strides: 2, pad: "valid" },
  { name: "1x1 stride 2, odd channels", x: [2, 7, 8, 5], filter: [1, 1, 5, 3], strides: 2, pad: "same" },
  { name: "7x7 stride 2", x: [1, 21, 19, 3], filter: [7, 7, 3, 8], strides: 2, pad: 3 },
  { name: "one pixel", x: [1, 1, 1, 4], filter: [1, 1, 4, 4], strides: 1, pad: "valid" },
  { name: "one pixel under 3x3", x: [1, 1, 1, 3], filter: [3, 3, 3, 2], strides: 1, pad: "same" },
  { name: "one pixel of output", x: [5, 3, 3, 4], filter: [3, 3, 4, 8], strides: 1, pad: "valid" },
  { name: "batch 1, one channel", x: [1, 6, 6, 1], filter: [3, 3, 1, 1], strides: 1, pad: "same" },
  { name: "filter wider than image", x: [2, 3, 2, 4], filter: [5, 5, 4, 4], strides: 1, pad: "same" },
  { name: "padding wider than filter", x: [1, 4, 4, 4], filter: [2, 2, 4, 4], strides: 1, pad: 3 },
  { name: "stride over filter", x: [1, 8, 8, 4], filter: [2, 2, 4, 4], strides: 3, pad: "valid" },
  {
    name: "explicit padding",
    x: [2, 6, 7, 4],
    filter: [3, 3, 4, 8],
    strides: 2,
    pad: [[0, 0], [0, 1], [2, 1], [0, 0]],
  },
  { name: "several bands", x: [2, 40, 30, 8], filter: [3, 3, 8, 8], strides: 1, pad: "same" },
  { name: "several images in a band", x: [70, 2, 3, 4], filter: [3, 3, 4, 4], strides: 1, pad: "same" },
];

const DEPTHWISE: readonly Case[] = [
  { name: "3x3 same", x: [2, 8, 8, 16], filter: [3, 3, 16, 1], strides: 1, pad: "same" },
  { name: "odd sizes", x: [2, 7, 5, 12], filter: [3, 3, 12, 1], strides: 1, pad: "same" },
  { name: "three channels", x: [2, 6, 5, 3], filter: [3, 3, 3, 1], strides: 1, pad: "same" },
  { name: "stride 2", x: [2, 9, 8, 8], filter: [3, 3, 8, 1], strides: 2, pad: "same" },
  { name: "stride 2 padding 1", x: [2, 8, 8, 24], filter: [3, 3, 24, 1], strides: 2, pad: 1 },
  { name: "multiplier 2", x: [2, 6, 7, 6], filter: [3, 3, 6, 2], strides: 1, pad: "same" },
  { name: "multiplier 3, stride 2", x: [1, 6, 7, 3], filter: [3, 3, 3, 3], strides: 2, pad: "same" },
  { name: "5x5", x: [1, 9, 8, 8], filter: [5, 5, 8, 1], strides: 1, pad: "same" },
  { name: "valid", x: [1, 9, 8, 8], filter: [3, 3, 8, 1], strides: 1, pad: "valid" },
  { name: "one pixel", x: [1, 1, 1, 4], filter: [3, 3, 4, 1], strides: 1, pad: "same" },
  { name: "1x1", x: [2, 4, 4, 4], filter: [1, 1, 4, 1], strides: 1, pad: "valid" },
  { name: "several bands", x: [2, 60, 40, 32], filter: [3, 3, 32, 1], strides: 1, pad: "same" },
];

for (const { name, x, filter, strides, pad } of CONVOLUTIONS) {
  Deno.test(`conv2d gradients on wasm equal those on cpu: ${name}`, async () => {
    await compare(
      name,
      (a, w) => tf.conv2d(a as tf.Tensor4D, w as tf.Tensor4D, strides, pad as "same"),
      [x, filter],
      x[0] * x[1] * x[2] + filter[0] * filter[1] * filter[3],
    );
  });
}

for (const { name, x, filter, strides, pad } of DEPTHWISE) {
  Deno.test(`depthwiseConv2d gradients on wasm equal those on cpu: ${name}`, async () => {
    await compare(
      name,
      (a, w) => tf.depthwiseConv2d(a as tf.Tensor4D, w as tf.Tensor4D, strides, pad as "same"),
      [x, filter],
      x[0] * x[1] * x[2] + filter[0] * filter[1] * filter[3],
    );
  });
}

/** A filter with zeros between its taps, as values: tfjs has no gradient of a dilated convolution to compare with. */
function spread(filter: tf.Tensor4D, dilation: number): tf.Tensor4D {
  const [h, w, i, o] = filter.shape;
  const from = filter.dataSync();
  const [rows, columns] = [(h - 1) * dilation + 1, (w - 1) * dilation + 1];
  const to = new Float32Array(rows * columns * i * o);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const tap = from.subarray((y * w + x) * i * o, (y * w + x + 1) * i * o);
      to.set(tap, (y * dilation * columns + x * dilation) * i * o);
    }
  }
  return tf.tensor4d(to, [rows, columns, i, o]);
}

/** Every `dilation`-th tap. */
function gathered(filter: Float32Array, [h, w, i, o]: Shape4, dilation: number): Float32Array {
  const columns = (w - 1) * dilation + 1;
  const out = new Float32Array(h * w * i * o);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const at = (y * dilation * columns + x * dilation) * i * o;
      out.set(filter.subarray(at, at + i * o), (y * w + x) * i * o);
    }
  }
  return out;
}

function run(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, unknown>,
): Float32Array {
  return tf.tidy(() =>
    (tf.engine().runKernel(kernel, inputs, attrs as never) as tf.Tensor).dataSync() as Float32Array
  );
}

for (const [stride, channels] of [[1, 3], [1, 8], [2, 4]] as const) {
  Deno.test(`Conv2DBackprop kernels honour a dilation of 2: stride ${stride}, ${channels} channels`, async () => {
    const shape: Shape4 = [3, 3, channels, 6];
    const x = (): tf.Tensor4D => noise([2, 9, 8, channels], 1) as tf.Tensor4D;
    const w = (): tf.Tensor4D => noise(shape, 2) as tf.Tensor4D;
    const [dw, dx] = await on("cpu", () => {
      const full = spread(w(), 2);
      const g = tf.grads((a, f) => {
        const y = tf.conv2d(a as tf.Tensor4D, f as tf.Tensor4D, stride, 2);
        return tf.sum(tf.mul(y, noise(y.shape, 99)));
      });
      const [forX, forW] = g([x(), full]).map((t) => t.dataSync() as Float32Array);
      return [gathered(forW!, shape, 2), forX!];
    });
    await on("wasm", () => {
      const dy = noise([2, Math.ceil(9 / stride), Math.ceil(8 / stride), 6], 99);
      const attrs = { strides: stride, pad: 2, dilations: 2, dataFormat: "NHWC" };
      const filterShape = shape;
      assertClose(run("Conv2DBackpropFilter", { x: x(), dy }, { ...attrs, filterShape }), dw, 200, "dW");
      const inputShape = x().shape;
      assertClose(run("Conv2DBackpropInput", { dy, filter: w() }, { ...attrs, inputShape }), dx, 200, "dX");
    });
  });
}

Deno.test("DepthwiseConv2dNativeBackprop kernels honour a dilation of 2", async () => {
  const shape: Shape4 = [3, 3, 8, 1];
  const [dw, dx] = await on("cpu", () => {
    const full = spread(noise(shape, 2) as tf.Tensor4D, 2);
    const g = tf.grads((a, f) => {
      const y = tf.depthwiseConv2d(a as tf.Tensor4D, f as tf.Tensor4D, 1, 2);
      return tf.sum(tf.mul(y, noise(y.shape, 99)));
    });
    const [forX, forW] = g([noise([2, 9, 7, 8], 1), full]).map((t) => t.dataSync() as Float32Array);
    return [gathered(forW!, shape, 2), forX!];
  });
  await on("wasm", () => {
    const dy = noise([2, 9, 7, 8], 99);
    const attrs = { strides: 1, pad: 2, dilations: 2 };
    const x = noise([2, 9, 7, 8], 1);
    assertClose(
      run("DepthwiseConv2dNativeBackpropFilter", { x, dy }, { ...attrs, filterShape: shape }),
      dw,
      200,
      "dW",
    );
    const filter = noise(shape, 2);
    assertClose(
      run("DepthwiseConv2dNativeBackpropInput", { dy, filter }, { ...attrs, inputShape: x.shape }),
      dx,
      200,
      "dX",
    );
  });
});

Deno.test("conv2d on slices of the channels has the gradients of a grouped convolution", async () => {
  const grouped = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
    tf.concat(
      tf.split(x, 3, 3).map((part, g) =>
        tf.conv2d(part as tf.Tensor4D, tf.split(w, 3, 3)[g] as tf.Tensor4D, 1, "same")
      ),
      3,
    );
  await compare("grouped", (x, w) => grouped(x!, w!), [[2, 6, 5, 12], [3, 3, 4, 15]], 200);
});

Deno.test("conv2d gradients on wasm equal finite differences", async () => {
  await on("wasm", () => {
    const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, "same");
    const shapes = [[1, 4, 5, 2], [3, 3, 2, 3]];
    const analytic = gradients((x, w) => f(x!, w!), shapes);
    shapes.forEach((shape, which) => {
      const inputs = shapes.map((s, k) => noise(s, k + 1).dataSync() as Float32Array);
      const loss = (): number =>
        tf.tidy(() => {
          const y = f(tf.tensor(inputs[0]!, shapes[0]), tf.tensor(inputs[1]!, shapes[1]));
          return tf.sum(tf.mul(y, noise(y.shape, 99))).dataSync()[0]!;
        });
      const step = 2 ** -5; // the loss is linear in each input: only rounding limits the difference
      const numeric = new Float32Array(inputs[which]!.length).map((_, k) => {
        const old = inputs[which]![k]!;
        inputs[which]![k] = old + step;
        const above = loss();
        inputs[which]![k] = old - step;
        const below = loss();
        inputs[which]![k] = old;
        return (above - below) / (2 * step);
      });
      assertClose(analytic[which]!, numeric, 10_000, `input of shape [${shape}]`);
    });
  });
});

Deno.test("Conv2DBackpropFilter refuses channels first and a gradient of the wrong shape", async () => {
  await on("wasm", () => {
    const x = noise([1, 4, 4, 4], 1);
    const attrs = { strides: 1, pad: "same", filterShape: [3, 3, 4, 4] };
    assertThrows(
      () => run("Conv2DBackpropFilter", { x, dy: x }, { ...attrs, dataFormat: "NCHW" }),
      TypeError,
      "must be NHWC",
    );
    assertThrows(
      () => run("Conv2DBackpropFilter", { x, dy: noise([1, 4, 4, 5], 1) }, { ...attrs, dataFormat: "NHWC" }),
      RangeError,
      "dy is [1,4,4,5], must be [1,4,4,4]",
    );
  });
});
