/**
 * The native kernels behind `native_kernels.ts`, registered with tfjs under names of our own, so that tape, tidy and
 * profiler treat them like any other kernel.
 *
 * @module
 */
import type { Pair } from "../../core/graph/mod.ts";
import type { Attribute, Binding } from "./_native_binding.ts";
import { tf } from "./tf.ts";

/** Names of the kernels; the native backend has all of them, `wasm` some (`wasm/mod.ts`). */
export const KERNELS = {
  batchNorm: "SaccadeBatchNorm",
  batchNormGrad: "SaccadeBatchNormGrad",
  batchNormRelu: "SaccadeBatchNormRelu",
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
  maxPool: "SaccadeMaxPool",
  maxPoolGrad: "SaccadeMaxPoolGrad",
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

/** What tfjs-node's backend offers beyond tfjs: any TensorFlow op by name. */
interface NativeBackend extends tf.KernelBackend {
  executeMultipleOutputs(
    name: string,
    attrs: readonly Attribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}

/** Runs one TensorFlow op. */
type Execute = (
  attrs: readonly Attribute[],
  inputs: readonly tf.TensorInfo[],
  outputs: number,
) => tf.Tensor[];

/** A kernel in terms of one TensorFlow op. */
interface Definition {
  readonly op: string;
  /** Calls the op with what the kernel got; `constant` gives small tensors that are made once. */
  readonly call: (
    execute: Execute,
    inputs: readonly tf.TensorInfo[],
    attrs: tf.NamedAttrMap,
    constant: (values: readonly number[], dtype: "float32" | "int32") => tf.TensorInfo,
  ) => tf.Tensor[];
}

/** Kernels that are oneDNN's: on x86 processors, where TensorFlow was built with it and it is not switched off. */
const PROCESSOR_ONLY: readonly string[] = [KERNELS.maxPool, KERNELS.maxPoolGrad, KERNELS.batchNormRelu];

/** Attributes of TensorFlow ops by their types. */
function attributesOf(binding: Binding) {
  const type = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  const text = (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value });
  const integers = (name: string, value: number[]): Attribute => ({
    name,
    type: binding.TF_ATTR_INT,
    value,
  });
  const float32 = type("T", binding.TF_FLOAT);
  const layout = text("data_format", "NHWC");
  /** Kernels of oneDNN that have no other name are found by it. */
  const oneDnn = text("_kernel", "MklNameChangeOp");
  const pooling = ([height, width]: Pair, [vertical, horizontal]: Pair): Attribute[] => [
    float32,
    integers("ksize", [1, height, width, 1]),
    integers("strides", [1, vertical, horizontal, 1]),
    text("padding", "VALID"),
    layout,
    { name: "workspace_enabled", type: binding.TF_ATTR_BOOL, value: true },
    oneDnn,
  ];
  return { type, text, integers, float32, layout, oneDnn, pooling };
}

/** Whether oneDNN's own kernels can be called: one is. */
function hasOneDnn(binding: Binding): boolean {
  if (binding.isUsingGpuDevice()) return false;
  const made = [binding.createTensor([1, 1, 1, 1], binding.TF_FLOAT, Float32Array.of(0))];
  try {
    const attrs = attributesOf(binding).pooling([1, 1], [1, 1]);
    made.push(...binding.executeOp("_MklNativeMaxPool", attrs, made, 2).map(({ id }) => id));
    return true;
  } catch {
    return false;
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}

/** Every kernel. A name without a definition does not compile. */
function definitions(binding: Binding): Record<KernelName, Definition> {
  const { type, text, integers, float32, layout, oneDnn, pooling } = attributesOf(binding);
  const simple = (op: string, attrs: readonly Attribute[] = [float32], outputs = 1): Definition => ({
    op,
    call: (execute, inputs) => execute(attrs, inputs, outputs),
  });
  const batchNorm = (epsilon: unknown): Attribute[] => [
    float32,
    type("U", binding.TF_FLOAT),
    { name: "epsilon", type: binding.TF_ATTR_FLOAT, value: epsilon },
    layout,
    { name: "is_training", type: binding.TF_ATTR_BOOL, value: true },
  ];
  const sliding = ({ strides, padding }: tf.NamedAttrMap): Attribute[] => {
    const [vertical, horizontal] = strides as unknown as Pair;
    return [
      float32,
      integers("strides", [1, vertical, horizontal, 1]),
      text("padding", padding as string),
      layout,
      integers("dilations", [1, 1, 1, 1]),
    ];
  };
  const convolutions = (op: string): [Definition, Definition, Definition] => [
    { op, call: (execute, inputs, attrs) => execute(sliding(attrs), inputs, 1) },
    {
      op: `${op}BackpropInput`,
      call: (execute, [filter, dy], attrs, constant) =>
        execute(sliding(attrs), [constant(attrs.shape as number[], "int32"), filter!, dy!], 1),
    },
    {
      op: `${op}BackpropFilter`,
      call: (execute, [x, dy], attrs, constant) =>
        execute(sliding(attrs), [x!, constant(attrs.shape as number[], "int32"), dy!], 1),
    },
  ];
  const pool = (op: string, outputs: number): Definition => ({
    op,
    call: (execute, inputs, { window, strides }) =>
      execute(pooling(window as unknown as Pair, strides as unknown as Pair), inputs, outputs),
  });
  const [conv, convInputGrad, convFilterGrad] = convolutions("Conv2D");
  const [depthwise, depthwiseInputGrad, depthwiseFilterGrad] = convolutions("DepthwiseConv2dNative");
  const normalizing = (op: string, more: readonly Attribute[] = []): Definition => ({
    op,
    call(execute, inputs, { epsilon }, constant) {
      const factor = { name: "exponential_avg_factor", type: binding.TF_ATTR_FLOAT, value: 1 };
      // No running statistics go in: with factor 1 the outputs are the batch's own.
      const none = constant([], "float32");
      return execute([...batchNorm(epsilon), factor, ...more], [...inputs, none, none], 6);
    },
  });
  return {
    [KERNELS.batchNorm]: normalizing("FusedBatchNormV3"),
    [KERNELS.batchNormRelu]: normalizing("_MklNativeFusedBatchNormEx", [
      { name: "num_side_inputs", type: binding.TF_ATTR_INT, value: 0 },
      text("activation_mode", "Relu"),
      oneDnn,
    ]),
    [KERNELS.batchNormGrad]: {
      op: "FusedBatchNormGradV3",
      call: (execute, inputs, { epsilon }) => execute(batchNorm(epsilon), inputs, 5),
    },
    [KERNELS.relu]: simple("Relu"),
    [KERNELS.reluGrad]: simple("ReluGrad"),
    [KERNELS.relu6]: simple("Relu6"),
    [KERNELS.relu6Grad]: simple("Relu6Grad"),
    [KERNELS.bias]: simple("BiasAdd", [float32, layout]),
    [KERNELS.biasGrad]: simple("BiasAddGrad", [float32, layout]),
    [KERNELS.conv]: conv,
    [KERNELS.convInputGrad]: convInputGrad,
    [KERNELS.convFilterGrad]: convFilterGrad,
    [KERNELS.depthwise]: depthwise,
    [KERNELS.depthwiseInputGrad]: depthwiseInputGrad,
    [KERNELS.depthwiseFilterGrad]: depthwiseFilterGrad,
    [KERNELS.maxPool]: pool("_MklNativeMaxPool", 2),
    [KERNELS.maxPoolGrad]: pool("_MklNativeMaxPoolGrad", 1),
    [KERNELS.crossEntropy]: simple("SoftmaxCrossEntropyWithLogits", [float32], 2),
    [KERNELS.sparseCrossEntropy]: simple(
      "SparseSoftmaxCrossEntropyWithLogits",
      [float32, type("Tlabels", binding.TF_INT32)],
      2,
    ),
  };
}

/**
 * Small tensors by value, made once per backend. They are written to the backend, not made by tfjs, so that no scope frees
 * them and nobody counts them.
 */
const constants = new WeakMap<NativeBackend, Map<string, tf.TensorInfo>>();

function constantOf(
  backend: NativeBackend,
  values: readonly number[],
  dtype: "float32" | "int32",
): tf.TensorInfo {
  const known = constants.get(backend) ?? new Map<string, tf.TensorInfo>();
  constants.set(backend, known);
  const key = `${dtype} ${values.join()}`;
  const ready = known.get(key);
  if (ready !== undefined) return ready;
  const shape = [values.length];
  const data = dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values);
  const made = { dataId: backend.write(data, shape, dtype), shape, dtype };
  known.set(key, made);
  return made;
}

/** Adds the kernels and their gradients to the backend `"tensorflow"`; again is harmless. */
export function registerNativeKernels(binding: Binding): void {
  const oneDnn = hasOneDnn(binding);
  for (const [kernelName, { op, call }] of Object.entries(definitions(binding))) {
    if (tf.getKernel(kernelName, "tensorflow") !== undefined) continue;
    if (!oneDnn && PROCESSOR_ONLY.includes(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: "tensorflow",
      kernelFunc: ({ inputs, backend, attrs }) => {
        const native = backend as NativeBackend;
        return call(
          (options, given, outputs) => native.executeMultipleOutputs(op, options, given, outputs),
          Object.values(inputs) as tf.TensorInfo[],
          attrs as tf.NamedAttrMap,
          (values, dtype) => constantOf(native, values, dtype),
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
  const normalization = (inputs: readonly tf.Tensor[], attrs: tf.NamedAttrMap) => {
    const [dx, dScale, dOffset] = run<[tf.Tensor, tf.Tensor, tf.Tensor]>(
      KERNELS.batchNormGrad,
      inputs,
      attrs,
    );
    return { 0: () => dx, 1: () => dScale, 2: () => dOffset };
  };
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
      gradFunc: (dys, saved, attrs) => normalization([only(dys), ...saved], attrs),
    },
    {
      kernelName: KERNELS.batchNormRelu,
      inputsToSave: ["0", "1"],
      outputsToSave: [true, false, false, true, true, true],
      gradFunc: (dys, saved, attrs) => {
        const [x, scale, y, ...statistics] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
        const [dz] = run<[tf.Tensor]>(KERNELS.reluGrad, [only(dys), y], {});
        const gradients = normalization([dz, x, scale, ...statistics], attrs);
        // As large as the picture, and nobody else frees it before the whole pass is over.
        dz.dispose();
        return gradients;
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
    {
      kernelName: KERNELS.maxPool,
      inputsToSave: ["0"],
      outputsToSave: [true, true],
      gradFunc: (dy, saved, attrs) => {
        const [x, y, workspace] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return { 0: () => run<[tf.Tensor]>(KERNELS.maxPoolGrad, [x, y, only(dy), workspace], attrs)[0] };
      },
    },
    crossEntropy(KERNELS.crossEntropy),
    crossEntropy(KERNELS.sparseCrossEntropy),
  ];
}

/** The gradient of the first output; the others of a kernel are statistics or by-products. */
function only(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(dy) ? dy[0]! : dy;
}
