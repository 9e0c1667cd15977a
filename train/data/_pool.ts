/**
 * Workers that make batches. Jobs are answered in any order; callers hold the promises in theirs.
 *
 * @module
 */
import { type BatchImages, type BatchJob, ExampleError } from "./_batch.ts";

/** What a worker answers. */
export type Answer =
  | { readonly id: number; readonly batch: BatchImages }
  | { readonly id: number; readonly position: number; readonly message: string };

interface Waiting {
  readonly resolve: (batch: BatchImages) => void;
  readonly reject: (error: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Why it answers no more. */
  broken?: string;
}

/** A fixed number of workers; a job goes to the one with the fewest. */
export class WorkerPool {
  readonly #members: Member[];
  #next = 0;

  /** `entry` is the worker's program. */
  constructor(size: number, entry: URL = new URL("./_loader_worker.ts", import.meta.url)) {
    this.#members = Array.from({ length: size }, () => start(entry));
  }

  /** Makes one batch. Rejects with {@link ExampleError} when a picture cannot be made. */
  run(job: BatchJob): Promise<BatchImages> {
    const member = this.#members.reduce((best, one) => one.waiting.size < best.waiting.size ? one : best);
    const id = this.#next++;
    if (member.broken !== undefined) return Promise.reject(new Error(member.broken));
    return new Promise((resolve, reject) => {
      member.waiting.set(id, { resolve, reject });
      member.worker.postMessage({ id, job });
    });
  }

  /** Ends all workers; jobs under way are rejected. */
  close(): void {
    for (const { worker, waiting } of this.#members) {
      worker.terminate();
      for (const { reject } of waiting.values()) reject(new Error("the loader was closed"));
      waiting.clear();
    }
  }
}

function start(entry: URL): Member {
  const worker = new Worker(entry, { type: "module" });
  const waiting = new Map<number, Waiting>();
  const member: Member = { worker, waiting };
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    const caller = waiting.get(data.id);
    waiting.delete(data.id);
    if ("batch" in data) caller?.resolve(data.batch);
    else {caller?.reject(
        data.position < 0 ? new Error(data.message) : new ExampleError(data.position, data.message),
      );}
  };
  worker.onerror = (event) => {
    event.preventDefault();
    member.broken = `the worker that makes it broke down: ${event.message}`;
    for (const { reject } of waiting.values()) reject(new Error(member.broken));
    waiting.clear();
  };
  return member;
}
