/**
 * One place of a pool: a worker that does one job at a time until it breaks.
 *
 * @module
 */
import { fromFailure, type Job, type Reply, type Value } from "./_messages.ts";

/** How a place is made. */
export interface PlaceOptions {
  /** Starts its worker. */
  readonly start: () => Worker;
  /** Milliseconds after which a job breaks it, by what it does. */
  readonly timeoutMs: (job: Job) => number;
  /** Told once, when it breaks. */
  readonly onBroken: (place: Place, reason: string) => void;
}

/** A worker and its current job. */
export class Place {
  readonly #worker: Worker;
  readonly #options: PlaceOptions;
  #current: { resolve: (value: Value) => void; reject: (error: Error) => void } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** Starts the worker. */
  constructor(options: PlaceOptions) {
    this.#options = options;
    this.#worker = options.start();
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const current = this.#take();
      if ("failure" in data) current?.reject(fromFailure(data.failure));
      else current?.resolve(data.value);
    };
    this.#worker.onmessageerror = () => this.#break("its answer could not be read");
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#break(event.message || "it ended");
    };
  }

  /** Whether it can take a job. */
  get free(): boolean {
    return !this.#ended && this.#current === undefined;
  }

  /** Does a job; only when {@link Place.free}. */
  do(job: Job): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error("Cannot compute: the worker has ended"));
      this.#current = { resolve, reject };
      const timeoutMs = this.#options.timeoutMs(job);
      this.#timer = setTimeout(() => this.#break(`a job took longer than ${timeoutMs} ms`), timeoutMs);
      this.#worker.postMessage(job);
    });
  }

  /** Ends the worker; its job fails. */
  end(reason: string): void {
    this.#ended = true;
    this.#worker.terminate();
    this.#take()?.reject(new Error(`Cannot compute: ${reason}`));
  }

  #take(): { resolve: (value: Value) => void; reject: (error: Error) => void } | undefined {
    const current = this.#current;
    this.#current = undefined;
    clearTimeout(this.#timer);
    return current;
  }

  #break(reason: string): void {
    if (this.#ended) return;
    this.end(`the worker broke: ${reason}`);
    this.#options.onBroken(this, reason);
  }
}
