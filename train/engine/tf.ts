/**
 * The one door to TensorFlow.js.
 *
 * Every engine registers its kernels with the tfjs-core instance exported here, so nothing else in the project
 * may import `@tensorflow/*`: a second copy would have its own backends, gradients and tensor count.
 * In Deno and Node this resolves to the package's CommonJS build, which is also the one tfjs-node's own
 * `require` gets; a bundler for the browser takes the ES build.
 *
 * @module
 */
// tfjs-core's CommonJS build registers no gradients; this package registers all of them with the same instance.
import "@tensorflow/tfjs";
/** tfjs-core: tensors, operations, gradients, and the registries of engines. */
import * as tf from "@tensorflow/tfjs-core";

// tfjs prints advice (to install another backend, to rename a call); what matters here is thrown or reported.
tf.enableProdMode();

export { tf };
