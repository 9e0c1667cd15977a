/** Where in a run a number was computed. */
export interface Moment {
  /** Stage of the run, such as `policy`. */
  readonly stage: string;
  /** Optimiser step within the run. */
  readonly step: number;
  /** Batch within the epoch, or the batch's file or range: whatever finds it again. */
  readonly batch?: number | string;
}

/**
 * Stops a run at the first number that is no longer one.
 *
 * @param name What the number is, such as `loss`.
 * @returns The value.
 * @throws {RangeError} If the value is NaN or infinite: names it with stage, step and batch.
 */
export function assertFinite(name: string, value: number, { stage, step, batch }: Moment): number {
  if (Number.isFinite(value)) return value;
  const where = batch === undefined ? "" : `, batch ${batch}`;
  throw new RangeError(
    `Cannot go on training: ${name} is ${value} in stage "${stage}" at step ${step}${where}, must be finite`,
  );
}
