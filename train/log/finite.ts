/** Where in a run a number was computed; everything is counted from 0. */
export interface Moment {
  /** Stage of the run, such as `policy`. */
  readonly stage: string;
  /** Optimiser step within the stage. */
  readonly step: number;
  /** Epoch within the stage. */
  readonly epoch?: number;
  /** Batch within the epoch, or the batch's file or range: whatever finds it again. */
  readonly batch?: number | string;
}

/**
 * Stops a run at the first number that is no longer one.
 *
 * @param name What the number is, such as `loss`.
 * @returns The value.
 * @throws {RangeError} If the value is NaN or infinite: names it with stage, step, epoch and batch.
 */
export function assertFinite(name: string, value: number, moment: Moment): number {
  if (Number.isFinite(value)) return value;
  throw new RangeError(`Cannot go on training: ${name} is ${value} ${where(moment)}, must be finite`);
}

/**
 * Stops a run before values that are no longer numbers are saved.
 *
 * @param name What the values are, such as `weights/classifier/conv1.weight`.
 * @param moment The last step that changed them.
 * @throws {RangeError} If a value is NaN or infinite: names it with its place and the moment.
 */
export function assertAllFinite(name: string, values: Float32Array, moment: Moment): void {
  // A loop: a callback for each of some ten million values takes as long as writing them.
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) {
      throw new RangeError(
        `Cannot save checkpoint: value ${i} of "${name}" is ${values[i]} after the update ${
          where(moment)
        }, ` +
          `must be finite; the checkpoint before it stays`,
      );
    }
  }
}

function where({ stage, step, epoch, batch }: Moment): string {
  const parts = [
    `step ${step}`,
    epoch === undefined ? "" : `epoch ${epoch}`,
    batch === undefined ? "" : `batch ${batch}`,
  ];
  return `in stage "${stage}" at ${parts.filter((part) => part !== "").join(", ")} (counted from 0)`;
}
