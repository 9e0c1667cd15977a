/**
 * Worker entry: makes the batches it is asked for, one after the other.
 *
 * @module
 */
import { type BatchJob, ExampleError, makeBatch } from "./_batch.ts";
import type { Answer } from "./_pool.ts";

/** The part of a worker's global scope that is used here; the DOM library types `self` as a window. */
interface Scope {
  onmessage: (event: MessageEvent<{ readonly id: number; readonly job: BatchJob }>) => void;
  postMessage(answer: Answer, transfer?: Transferable[]): void;
}

const scope = self as unknown as Scope;
let last: Promise<void> = Promise.resolve();

async function answer(id: number, job: BatchJob): Promise<void> {
  try {
    const batch = await makeBatch(job);
    scope.postMessage({ id, batch }, [batch.images.buffer]);
  } catch (error) {
    const position = error instanceof ExampleError ? error.position : -1;
    scope.postMessage({ id, position, message: error instanceof Error ? error.message : String(error) });
  }
}

scope.onmessage = ({ data: { id, job } }) => {
  // One at a time: a batch under way holds all its decoded pictures.
  last = last.then(() => answer(id, job));
};
