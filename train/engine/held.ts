/**
 * Tensors that outlive a tidy but not their block, whatever happens in it.
 *
 * @module
 */
import { tf } from "./tf.ts";

/** Disposes of its tensors at the end of the block: `using held = new Held()`. */
export class Held implements Disposable {
  readonly #tensors: tf.Tensor[] = [];

  /** Takes a tensor over and gives it back for use. */
  add<T extends tf.Tensor>(tensor: T): T {
    this.#tensors.push(tensor);
    return tensor;
  }

  /** Lets all of them go: somebody else disposes of them. */
  release(): void {
    this.#tensors.length = 0;
  }

  /** Disposes of what was not released. */
  [Symbol.dispose](): void {
    tf.dispose(this.#tensors);
  }
}
