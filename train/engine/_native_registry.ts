/**
 * The native kernels behind `native_kernels.ts`, registered with tfjs under names of our own, so that tape, tidy and
 * profiler treat them like any other kernel.
 *
 * @module
 */
import type { Pads, Pair } from "../../core/graph/mod.ts";
import { tf } from "./tf.ts";

/** Names of the kernels; the native backend has all of them, `wasm` some (`wasm/mod.ts`). */
export const KERNELS = {
  batchNorm: "SaccadeBatchNorm",
  batchNormGrad: "SaccadeBatchNormGrad",
  relu: "SaccadeRelu",
  reluGrad: "SaccadeReluGrad",
  relu6: "SaccadeRelu6",
  relu6Grad: "SaccadeRelu6Grad",
  bias: "SaccadeBias",
  biasGrad: "SaccadeBiasGrad",
  conv: "SaccadeConv",
  convInputGrad: "SaccadeConvInputGrad",
  convFilterGrad: "SaccadeConvFilterGrad",
  depthwise: "SaccadeDepthwise",
  depthwiseInputGrad: "SaccadeDepthwiseInputGrad",
  depthwiseFilterGrad: "SaccadeDepthwiseFilterGrad",
  crossEntropy: "SaccadeCrossEntropy",
  sparseCrossEntropy: "SaccadeSparseCrossEntropy",
} as const;

/** One of {@linkcode KERNELS}. */
export type KernelName = typeof KERNELS[keyof typeof KERNELS];

/** Whether the active backend has the kernel. */
export function has(name: KernelName): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs a kernel on inputs in order; its outputs are on the tape where it has a gradient. */
export function run<T extends tf.Tensor[]>(
  name: KernelName,
  inputs: readonly tf.Tensor[],
  attrs: tf.NamedAttrMap,
): T {
  return tf.engine().runKernel(name, { ...inputs } as unknown as tf.NamedTensorMap, attrs) as unknown as T;
}

/** One attribute of a TensorFlow op: `type` is a `TF_ATTR_*` number, `value` what the op expects under that name. */
interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The numbers of TensorFlow's C API that the addon hands out. */
export interface Binding {
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
}

/** What tfjs-node's backend offers beyond tfjs: any TensorFlow op by name. */
interface NativeBackend {
  executeMultipleOutputs(
    name: string,
    attrs: readonly Attribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** A kernel in terms of one TensorFlow op. */
interface Definition {
  readonly op: string;
  readonly attrs: (attrs: tf.NamedAttrMap) => readonly Attribute[];
  /** What the op takes, given what the kernel got. @default the same */
  readonly inputs?: (inputs: readonly tf.TensorInfo[], attrs: tf.NamedAttrMap) => readonly tf.TensorInfo[];
  /** @default 1 */
  readonly outputs?: number;
}

const shapeOf = (attrs: tf.NamedAttrMap): tf.Tensor1D => tf.tensor1d(attrs.shape as number[], "int32");

/** Every kernel. A name without a definition does not compile. */
function definitions(binding: Binding): Record<KernelName, Definition> {
  const type = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  const text = (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value });
  const integers = (name: string, value: number[]): Attribute => ({
    name,
    type: binding.TF_ATTR_INT,
    value,
  });
  const float32 = type("T", binding.TF_FLOAT);
  const layout = text("data_format", "NHWC");
  const simple = (op: string): Definition => ({ op, attrs: () => [float32] });
  const batchNorm = (epsilon: unknown): Attribute[] => [
    float32,
    type("U", binding.TF_FLOAT),
    { name: "epsilon", type: binding.TF_ATTR_FLOAT, value: epsilon },
    layout,
    { name: "is_training", type: binding.TF_ATTR_BOOL, value: true },
  ];
  const sliding = (attrs: tf.NamedAttrMap): Attribute[] => {
    const [vertical, horizontal] = attrs.strides as unknown as Pair;
    const [top, left, bottom, right] = attrs.pads as unknown as Pads;
    return [
      float32,
      integers("strides", [1, vertical, horizontal, 1]),
      text("padding", attrs.padding as string),
      ...(attrs.padding === "EXPLICIT"
        ? [integers("explicit_paddings", [0, 0, top, bottom, left, right, 0, 0])]
        : []),
      layout,
      integers("dilations", [1, 1, 1, 1]),
    ];
  };
  const convolutions = (op: string): [Definition, Definition, Definition] => [
    { op, attrs: sliding },
    {
      op: `${op}BackpropInput`,
      attrs: sliding,
      inputs: ([filter, dy], attrs) => [shapeOf(attrs), filter!, dy!],
    },
    {
      op: `${op}BackpropFilter`,
      attrs: sliding,
      inputs: ([x, dy], attrs) => [x!, shapeOf(attrs), dy!],
    },
  ];
  const [conv, convInputGrad, convFilterGrad] = convolutions("Conv2D");
  const [depthwise, depthwiseInputGrad, depthwiseFilterGrad] = convolutions("DepthwiseConv2dNative");
  return {
    [KERNELS.batchNorm]: {
      op: "FusedBatchNormV3",
      attrs: ({ epsilon }) => [
        ...batchNorm(epsilon),
        { name: "exponential_avg_factor", type: binding.TF_ATTR_FLOAT, value: 1 },
      ],
      // No running statistics go in: with factor 1 the outputs are the batch's own.
      inputs: (inputs) => [...inputs, tf.tensor1d([]), tf.tensor1d([])],
      outputs: 6,
    },
    [KERNELS.batchNormGrad]: {
      op: "FusedBatchNormGradV3",
      attrs: ({ epsilon }) => batchNorm(epsilon),
      outputs: 5,
    },
    [KERNELS.relu]: simple("Relu"),
    [KERNELS.reluGrad]: simple("ReluGrad"),
    [KERNELS.relu6]: simple("Relu6"),
    [KERNELS.relu6Grad]: simple("Relu6Grad"),
    [KERNELS.bias]: { op: "BiasAdd", attrs: () => [float32, layout] },
    [KERNELS.biasGrad]: { op: "BiasAddGrad", attrs: () => [float32, layout] },
    [KERNELS.conv]: conv,
    [KERNELS.convInputGrad]: convInputGrad,
    [KERNELS.convFilterGrad]: convFilterGrad,
    [KERNELS.depthwise]: depthwise,
    [KERNELS.depthwiseInputGrad]: depthwiseInputGrad,
    [KERNELS.depthwiseFilterGrad]: depthwiseFilterGrad,
    [KERNELS.crossEntropy]: { op: "SoftmaxCrossEntropyWithLogits", attrs: () => [float32], outputs: 2 },
    [KERNELS.sparseCrossEntropy]: {
      op: "SparseSoftmaxCrossEntropyWithLogits",
      attrs: () => [float32, type("Tlabels", binding.TF_INT32)],
      outputs: 2,
    },
  };
}

/** Adds the kernels and their gradients to the backend `"tensorflow"`; again is harmless. */
export function registerNativeKernels(binding: Binding): void {
  const known = definitions(binding);
  for (const [kernelName, { op, attrs, inputs: arrange, outputs = 1 }] of Object.entries(known)) {
    if (tf.getKernel(kernelName, "tensorflow") !== undefined) continue;
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: ({ inputs, backend, attrs: given }) => {
        const values = Object.values(inputs) as tf.TensorInfo[];
        const options = given as tf.NamedAttrMap;
        return tf.tidy(() =>
          (backend as NativeBackend).executeMultipleOutputs(
            op,
            attrs(options),
            arrange === undefined ? values : arrange(values, options),
            outputs,
          )
        );
      },
    });
  }
  registerFusedGradients();
}

/** Tells tfjs the gradients of all {@linkcode KERNELS}, whatever backend has them; again is harmless. */
export function registerFusedGradients(): void {
  if (tf.getGradient(KERNELS.relu) === undefined) gradients().forEach(tf.registerGradient);
}

function gradients(): tf.GradConfig[] {
  const rectifier = (kernelName: KernelName, backward: KernelName): tf.GradConfig => ({
    kernelName,
    outputsToSave: [true],
    gradFunc: (dy, saved) => ({ 0: () => run<[tf.Tensor]>(backward, [only(dy), ...saved], {})[0] }),
  });
  const convolution = (kernelName: KernelName, input: KernelName, filter: KernelName): tf.GradConfig => ({
    kernelName,
    inputsToSave: ["0", "1"],
    gradFunc: (dy, saved, attrs) => {
      const [x, w] = saved as [tf.Tensor, tf.Tensor];
      return {
        0: () => run<[tf.Tensor]>(input, [w, only(dy)], { ...attrs, shape: x.shape })[0],
        1: () => run<[tf.Tensor]>(filter, [x, only(dy)], { ...attrs, shape: w.shape })[0],
      };
    },
  });
  // The second output is the gradient of the loss in the logits, computed on the way forward.
  const crossEntropy = (kernelName: KernelName): tf.GradConfig => ({
    kernelName,
    outputsToSave: [false, true],
    gradFunc: (dys, saved) => ({
      0: () => tf.mul(tf.expandDims(only(dys), 1), saved[0] as tf.Tensor),
    }),
  });
  return [
    {
      kernelName: KERNELS.batchNorm,
      inputsToSave: ["0", "1"],
      outputsToSave: [false, false, false, true, true, true],
      gradFunc: (dys, saved, attrs) => {
        const [dx, dScale, dOffset] = run<[tf.Tensor, tf.Tensor, tf.Tensor]>(
          KERNELS.batchNormGrad,
          [only(dys), ...saved],
          attrs,
        );
        return { 0: () => dx, 1: () => dScale, 2: () => dOffset };
      },
    },
    rectifier(KERNELS.relu, KERNELS.reluGrad),
    rectifier(KERNELS.relu6, KERNELS.relu6Grad),
    {
      kernelName: KERNELS.bias,
      gradFunc: (dy) => ({
        0: () => only(dy).clone(),
        1: () => run<[tf.Tensor]>(KERNELS.biasGrad, [only(dy)], {})[0],
      }),
    },
    convolution(KERNELS.conv, KERNELS.convInputGrad, KERNELS.convFilterGrad),
    convolution(KERNELS.depthwise, KERNELS.depthwiseInputGrad, KERNELS.depthwiseFilterGrad),
    crossEntropy(KERNELS.crossEntropy),
    crossEntropy(KERNELS.sparseCrossEntropy),
  ];
}

/** The gradient of the first output; the others of a kernel are statistics or by-products. */
function only(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(dy) ? dy[0]! : dy;
}
