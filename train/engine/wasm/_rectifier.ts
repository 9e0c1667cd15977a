/**
 * Rectifiers and their gradients for the wasm backend, under the names of the native kernels. tfjs composes the gradient of
 * `step`, a cast and a product, and keeps the input for it; here it is one pass over the output, which is kept anyway.
 */

import { tf } from "../tf.ts";
import { addressOf, kernelsOf, type WasmBackend } from "./_module.ts";

/** Input of a rectifier: `float32[...S]`. */
export interface RectifierInputs {
  readonly 0: tf.TensorInfo;
}

/** Inputs of the gradient of a rectifier: `dy` and the output, both `float32[...S]`. */
export interface RectifierGradInputs extends RectifierInputs {
  readonly 1: tf.TensorInfo;
}

/** Runs the backend's own `Relu` or `Relu6`; returns one `float32[...S]`. */
export function rectifier(
  kernelName: "Relu" | "Relu6",
): (backend: WasmBackend, inputs: RectifierInputs) => tf.TensorInfo[] {
  const { kernelFunc } = tf.getKernel(kernelName, "wasm");
  return (backend, { 0: x }) => [kernelFunc({ inputs: { x }, attrs: {}, backend }) as tf.TensorInfo];
}

/**
 * `dx = dy` where the output is above 0 and below `most`, otherwise 0.
 *
 * @param most Upper end of the output, or NaN if it has none.
 * @throws {RangeError} If the sizes disagree.
 */
export function rectifierGrad(
  most: number,
): (backend: WasmBackend, inputs: RectifierGradInputs) => tf.TensorInfo[] {
  return (backend, { 0: dy, 1: y }) => {
    const size = dy.shape.reduce((a, b) => a * b, 1);
    if (y.shape.reduce((a, b) => a * b, 1) !== size) {
      throw new RangeError(
        `Cannot compute the gradient of a rectifier: dy is [${dy.shape}], must be [${y.shape}]`,
      );
    }
    const dx = backend.makeOutput([...dy.shape], "float32");
    kernelsOf(backend).rectifierInput(...[dy, y, dx].map((each) => addressOf(backend, each)), size, most);
    return [dx];
  };
}
