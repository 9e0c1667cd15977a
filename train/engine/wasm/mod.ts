/**
 * Gradients that the tfjs wasm backend lacks or has only as scalar loops, as kernels of our own, so that any
 * convolutional network can be trained without native code, in Deno and in a browser.
 *
 * The kernels are a few kilobytes of WebAssembly with SIMD (sources in `assembly/`, bytes in `_kernels_wasm.ts`,
 * `scripts/build_wasm_kernels.ts` compiles). They run on the backend's own memory. Multiplication and addition are
 * separate instructions, never a relaxed fused one, so that the same inputs give the same bits on every machine.
 *
 * @module
 */

import "@tensorflow/tfjs-backend-wasm";
import { KERNELS, registerFusedGradients } from "../_native_registry.ts";
import { tf } from "../tf.ts";
import { batchNorm, batchNormGrad } from "./_batch_norm.ts";
import { conv2dBackpropFilter } from "./_conv2d_filter.ts";
import { conv2dBackpropInput } from "./_conv2d_input.ts";
import { depthwiseConvolution, fullConvolution } from "./_convolution.ts";
import { depthwiseBackpropFilter } from "./_depthwise_filter.ts";
import { depthwiseBackpropInput } from "./_depthwise_input.ts";
import { identity } from "./_identity.ts";
import { accepts, batchMatMul, type MatMulAttrs, type MatMulInputs } from "./_mat_mul.ts";
import type { WasmBackend } from "./_module.ts";
import { avgPoolGrad, maxPoolGrad } from "./_pool_grad.ts";
import { rectifier, rectifierGrad } from "./_rectifier.ts";
import { unsortedSegmentSum } from "./_segment_sum.ts";

type Kernel<Inputs, Attrs> = (
  backend: WasmBackend,
  inputs: Inputs,
  attrs: Attrs,
) => tf.TensorInfo | tf.TensorInfo[];

let registered = false;

/**
 * Registers the gradient kernels with tfjs for the backend named `wasm`: `Conv2DBackpropFilter`,
 * `DepthwiseConv2dNativeBackpropFilter`, `DepthwiseConv2dNativeBackpropInput` and `UnsortedSegmentSum`, which it lacks;
 * `Conv2DBackpropInput` and `BatchMatMul` with one transposed operand, in place of its slow ones; `MaxPoolGrad` and
 * `AvgPoolGrad`, in place of its wrong ones (`_pool_grad.ts`). `Identity` shares memory instead of copying
 * it. Convolutions, batch norm and rectifiers with their gradients get the names of the native kernels, so that
 * `native_kernels.ts` finds them.
 *
 * It may be called before or after `tf.setBackend("wasm")`, and again: the second call does nothing. The module is
 * instantiated when a kernel first runs.
 *
 * Grouped convolution has no kernel in tfjs. Where a graph slices the channels, convolves each slice and
 * concatenates, its gradients come from these kernels on the slices.
 */
export function registerWasmGradients(): void {
  if (registered) return;
  registered = true;
  register(tf.Conv2DBackpropFilter, conv2dBackpropFilter);
  register(tf.Conv2DBackpropInput, conv2dBackpropInput);
  register(tf.DepthwiseConv2dNativeBackpropFilter, depthwiseBackpropFilter);
  register(tf.DepthwiseConv2dNativeBackpropInput, depthwiseBackpropInput);
  register(tf.UnsortedSegmentSum, unsortedSegmentSum);
  register(tf.MaxPoolGrad, maxPoolGrad);
  register(tf.AvgPoolGrad, avgPoolGrad);
  registerMatMul();
  register(tf.Identity, identity);
  registerFused();
}

/** What `native_kernels.ts` looks for. */
function registerFused(): void {
  const [full, depthwise] = [fullConvolution(), depthwiseConvolution()];
  register(KERNELS.conv, full.forward);
  register(KERNELS.convInputGrad, full.inputGrad);
  register(KERNELS.convFilterGrad, full.filterGrad);
  register(KERNELS.depthwise, depthwise.forward);
  register(KERNELS.depthwiseInputGrad, depthwise.inputGrad);
  register(KERNELS.depthwiseFilterGrad, depthwise.filterGrad);
  register(KERNELS.batchNorm, batchNorm);
  register(KERNELS.batchNormGrad, batchNormGrad);
  register(KERNELS.relu, rectifier(tf.Relu));
  register(KERNELS.reluGrad, rectifierGrad(NaN));
  register(KERNELS.relu6, rectifier(tf.Relu6));
  register(KERNELS.relu6Grad, rectifierGrad(6));
  registerFusedGradients();
}

function register<Inputs, Attrs>(kernelName: string, kernel: Kernel<Inputs, Attrs>): void {
  replace({
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel(backend as WasmBackend, inputs as Inputs, attrs as Attrs),
  });
}

function registerMatMul(): void {
  const theirs = tf.getKernel(tf.BatchMatMul, "wasm");
  replace({
    ...theirs,
    kernelFunc: (params) => {
      const inputs = params.inputs as unknown as MatMulInputs;
      const attrs = params.attrs as unknown as MatMulAttrs;
      return accepts(inputs, attrs)
        ? batchMatMul(params.backend as WasmBackend, inputs, attrs)
        : theirs.kernelFunc(params);
    },
  });
}

function replace(config: tf.KernelConfig): void {
  // tfjs warns when a kernel is registered over another; here that is meant.
  if (tf.getKernel(config.kernelName, config.backendName) !== undefined) {
    tf.unregisterKernel(config.kernelName, config.backendName);
  }
  tf.registerKernel(config);
}
