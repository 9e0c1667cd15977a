/**
 * The runner: episodes ask for one picture at a time, networks are cheaper by the batch. Calls of the same network that wait
 * together are computed together; evaluation and the server use the same one.
 *
 * @module
 */
import { concatRows, type Named, rows as rowsOf, type Tensor } from "../tensor.ts";
import type { Run } from "./method.ts";

/** How calls are put together. */
export interface RunnerOptions {
  /** Most rows of a batch, 1 or more. A call with more rows runs alone. */
  readonly maxRows: number;
  /** Most batches of one network under way at once. @default 1 */
  readonly parallel?: number;
  /** Milliseconds the first call of a batch waits for others; 0: only those that are made at the same time. @default 0 */
  readonly delayMs?: number;
}

interface Call {
  readonly rows: number;
  readonly inputs: Named<Tensor>;
  readonly resolve: (outputs: Named<Tensor>) => void;
  readonly reject: (reason: unknown) => void;
}

/** Calls that may share a batch: same network, same names, same shapes past the first axis. */
interface Queue {
  readonly network: string;
  readonly calls: Call[];
  running: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * A {@link Run} that computes calls together. A batch that fails is computed again call by call, so that only the calls that
 * are at fault fail.
 *
 * @param execute Runs one network on one batch.
 * @param options How calls are put together.
 * @throws {RangeError} If `maxRows` or `parallel` is not a positive integer.
 */
export function batchingRun(execute: Run, options: RunnerOptions): Run {
  const { maxRows, parallel = 1, delayMs = 0 } = options;
  for (const [name, value] of Object.entries({ maxRows, parallel })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Cannot make runner: ${name} is ${value}, must be an integer of 1 or more`);
    }
  }
  const queues = new Map<string, Queue>();

  function schedule(key: string, queue: Queue): void {
    if (queue.running >= parallel || queue.timer !== undefined) return;
    if (queue.calls.length === 0) {
      if (queue.running === 0) queues.delete(key);
      return;
    }
    // A whole task later, not a microtask: episodes that go on from the same batch arrive after different numbers of awaits.
    queue.timer = setTimeout(() => {
      queue.timer = undefined;
      while (queue.running < parallel && queue.calls.length > 0) start(key, queue);
    }, delayMs);
  }

  function start(key: string, queue: Queue): void {
    const batch = take(queue.calls, maxRows);
    queue.running += 1;
    compute(execute, queue.network, batch).finally(() => {
      queue.running -= 1;
      schedule(key, queue);
    });
  }

  return (network, inputs) =>
    new Promise((resolve, reject) => {
      const count = checkedRows(network, inputs);
      const key = JSON.stringify([
        network,
        ...Object.keys(inputs).sort().map((name) => [name, ...inputs[name]!.shape.slice(1)]),
      ]);
      const queue = queues.get(key) ?? { network, calls: [], running: 0, timer: undefined };
      queues.set(key, queue);
      queue.calls.push({ rows: count, inputs, resolve, reject });
      schedule(key, queue);
    });
}

function checkedRows(network: string, inputs: Named<Tensor>): number {
  const counts = new Set(Object.values(inputs).map(({ shape }) => shape[0] ?? 0));
  const [count] = counts;
  if (counts.size !== 1 || count === undefined || count < 1) {
    throw new RangeError(
      `Cannot run "${network}": its inputs have ${[...counts].join(" and ") || "no"} rows, ` +
        "all must have the same number, 1 or more",
    );
  }
  return count;
}

/** The longest run of calls from the front that fits, one at least. */
function take(calls: Call[], maxRows: number): Call[] {
  let total = 0;
  const first = calls.findIndex(({ rows }, i) => (total += rows) > maxRows && i > 0);
  return calls.splice(0, first < 0 ? calls.length : first);
}

/** Settles every call of a batch; never rejects. */
async function compute(execute: Run, network: string, batch: readonly Call[]): Promise<void> {
  let parts: Named<Tensor>[];
  try {
    parts = split(network, await execute(network, join(batch)), batch);
  } catch (reason) {
    if (batch.length === 1) return batch[0]!.reject(reason);
    for (const call of batch) await compute(execute, network, [call]);
    return;
  }
  batch.forEach(({ resolve }, i) => resolve(parts[i]!));
}

function join(batch: readonly Call[]): Named<Tensor> {
  return Object.fromEntries(
    Object.keys(batch[0]!.inputs).map((name) => [name, concatRows(batch.map(({ inputs }) => inputs[name]!))]),
  );
}

function split(network: string, outputs: Named<Tensor>, batch: readonly Call[]): Named<Tensor>[] {
  const total = batch.reduce((sum, { rows }) => sum + rows, 0);
  for (const [name, { shape }] of Object.entries(outputs)) {
    if (shape[0] !== total) {
      throw new RangeError(
        `Cannot use output "${name}" of "${network}": its shape is [${shape}], must have ${total} rows`,
      );
    }
  }
  let from = 0;
  return batch.map(({ rows }) => {
    const to = from + rows;
    const part = Object.entries(outputs).map(([name, x]) => [name, rowsOf(x, from, to)] as const);
    from = to;
    return Object.fromEntries(part);
  });
}
