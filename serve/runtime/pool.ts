/**
 * A pool of workers with a machine in each. A worker does one job at a time, so that when it breaks only that job fails; a new
 * worker takes its place.
 *
 * @module
 */
import type { Raster } from "../../core/image/mod.ts";
import type { Named, Tensor } from "../../core/tensor.ts";
import type { Job, Value } from "./_messages.ts";
import { Place } from "./_place.ts";
import type { Machine } from "./machine.ts";
import type { RuntimeName } from "./runtime.ts";

/** How a pool is made. */
export interface PoolOptions {
  /** Runtime of every worker. */
  readonly runtime: RuntimeName;
  /** Number of workers, 1 or more. */
  readonly workers: number;
  /** Milliseconds after which a job is given up and its worker replaced. @default 60000 */
  readonly jobTimeoutMs?: number;
  /** The same for starting a worker and loading a bundle. @default 300000 */
  readonly loadTimeoutMs?: number;
  /** Told why a worker broke. */
  readonly onBroken?: (reason: string) => void;
  /** How a worker is started. @default the module `worker.ts` beside this one */
  readonly start?: () => Worker;
}

interface Entry {
  readonly job: Job;
  /** The only place that may do it; absent: any. */
  readonly place: Place | undefined;
  readonly resolve: (value: Promise<Value>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts a pool.
 *
 * @throws {RangeError} If there are no workers.
 * @throws {Error} If the runtime cannot be opened in a worker.
 */
export async function createPool(options: PoolOptions): Promise<Machine> {
  const { runtime, workers, jobTimeoutMs = 60_000, loadTimeoutMs = 300_000 } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`Cannot start pool: workers is ${workers}, must be an integer of 1 or more`);
  }
  const start = options.start ??
    (() => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
  const timeoutMs = ({ kind }: Job): number =>
    kind === "run" || kind === "decode" ? jobTimeoutMs : loadTimeoutMs;
  const opened = new Map<string, ReadonlyMap<string, Uint8Array>>();
  const places: Place[] = [];
  let hiring = 0;
  let queue: Entry[] = [];
  let closed = false;

  function submit(job: Job, place?: Place): Promise<Value> {
    return new Promise((resolve, reject) => {
      queue.push({ job, place, resolve, reject });
      pump();
    });
  }

  /** Gives every free place the first job it may do. */
  function pump(): void {
    for (const place of places) {
      if (!place.free) continue;
      const at = queue.findIndex((entry) => entry.place === undefined || entry.place === place);
      if (at < 0) continue;
      const [entry] = queue.splice(at, 1);
      const done = place.do(entry!.job);
      entry!.resolve(done);
      done.catch(() => {}).finally(pump);
    }
    if (places.length + hiring === 0) {
      refuse(() => true, closed ? "the pool was closed" : "no worker is left");
    }
  }

  function refuse(which: (entry: Entry) => boolean, why: string): void {
    const refused = queue.filter(which);
    queue = queue.filter((entry) => !which(entry));
    for (const { reject } of refused) reject(new Error(`Cannot compute: ${why}`));
  }

  /** A new worker with everything that is open. */
  async function hire(): Promise<void> {
    hiring += 1;
    const place = new Place({ start, timeoutMs, onBroken });
    try {
      await place.do({ kind: "start", runtime });
      // What is opened meanwhile is seen too: a map may grow while it is walked through.
      for (const [key, networks] of opened) await place.do({ kind: "open", key, networks });
      if (closed) place.end("the pool was closed");
      else places.push(place);
    } catch (error) {
      place.end("it could not be made ready");
      throw error;
    } finally {
      hiring -= 1;
    }
    pump();
  }

  function onBroken(place: Place, reason: string): void {
    options.onBroken?.(reason);
    const at = places.indexOf(place);
    // One that breaks while it is being made ready is not tried again, or it would break for ever.
    if (at < 0) return;
    places.splice(at, 1);
    refuse((entry) => entry.place === place, `the worker broke: ${reason}`);
    hire().catch((error: unknown) => {
      options.onBroken?.(`no worker in its place: ${error instanceof Error ? error.message : error}`);
      pump();
    });
  }

  function close(): Promise<void> {
    closed = true;
    for (const place of places.splice(0)) place.end("the pool was closed");
    pump();
    return Promise.resolve();
  }

  const hired = await Promise.allSettled(Array.from({ length: workers }, hire));
  const failed = hired.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }

  return {
    parallel: workers,
    async open(key, networks) {
      opened.set(key, networks);
      const results = await Promise.allSettled(
        places.map((place) => submit({ kind: "open", key, networks }, place)),
      );
      const refused = results.find((result) => result.status === "rejected");
      if (refused === undefined) return;
      opened.delete(key);
      throw refused.reason;
    },
    async run(key, network, inputs) {
      return await submit({ kind: "run", key, network, inputs: compactAll(inputs) }) as Named<Tensor>;
    },
    async decode(bytes) {
      return await submit({ kind: "decode", bytes: compact(bytes) }) as Raster;
    },
    close,
  };
}

/** A view of a part of a larger buffer would be sent with the whole of it. */
function compact<T extends Uint8Array | Float32Array>(data: T): T {
  return data.byteLength === data.buffer.byteLength ? data : data.slice() as T;
}

function compactAll(inputs: Named<Tensor>): Named<Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: compact(data) }]),
  );
}
