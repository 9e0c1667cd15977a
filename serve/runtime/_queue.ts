/**
 * Tasks one after another.
 *
 * @module
 */

/** Runs tasks in the order of the calls; a task that fails fails only its own caller. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Result of the task when its turn has come. */
  add<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}
