/**
 * What an evaluation says.
 *
 * @module
 */

/** Accuracy and mean number of patches. */
export interface Measured {
  /** Share of right answers. */
  readonly accuracy: number;
  /** Mean number of patches. */
  readonly patches: number;
}

/** Names of the baselines. */
export type BaselineName = "glance" | "full" | "random" | "center" | "fixed";

/** One way to rank cells, followed cell by cell: accuracy after the first `k`. */
export interface Curve {
  /** `policy`, `random`, `center`, `fixed`. */
  readonly name: string;
  /** Accuracy by number of patches, ascending. */
  readonly points: readonly Measured[];
}

/** Everything measured of a model at one operating point. Means are over pictures. */
export interface EvaluationReport {
  /** Model. */
  readonly model: string;
  /** Version of its bundle. */
  readonly version: number;
  /** Operating point. */
  readonly point: string;
  /** Data set and split. */
  readonly data: string;
  /** Hash of the data. */
  readonly dataHash: string;
  /** Number of pictures. */
  readonly images: number;
  /** Seed of the baselines. */
  readonly seed: number;
  /** Share of right answers. */
  readonly accuracy: number;
  /** Patches: mean, deviation over pictures, and how many different sets of cells were chosen. */
  readonly patches: { readonly mean: number; readonly std: number; readonly distinct: number };
  /** Mean turns of looking. */
  readonly turns: number;
  /** Pixels sent as a share of the frame: patches (halos counted every time they are sent) and glance. */
  readonly pixels: { readonly patches: number; readonly glance: number };
  /** Mean bytes. */
  readonly bytes: {
    /** Of a glance. */
    readonly glance: number;
    /** Of all patches of a picture. */
    readonly patches: number;
    /** Of both. */
    readonly total: number;
    /** Of the whole frame in the same media type and quality as patches. */
    readonly whole: number;
    /** `1 - total / whole`, both over the pictures whose whole was encoded. */
    readonly saving: number;
    /** How many pictures' wholes were encoded: a sample where nothing depends on it. */
    readonly wholeImages: number;
  };
  /** Mean multiply-accumulates of all networks that ran. */
  readonly macs: number;
  /** Expected calibration error in 15 bins, and mean confidence. */
  readonly calibration: { readonly error: number; readonly confidence: number };
  /** Others with the same classifier, those that choose cells at the same mean number of patches. */
  readonly baselines: { readonly [name in BaselineName]: Measured };
  /** Accuracy against patches, on `curveImages` pictures; empty when not asked for. */
  readonly curves: readonly Curve[];
  /** Number of pictures behind the curves. */
  readonly curveImages: number;
}
