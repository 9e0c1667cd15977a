/**
 * Cards: what must be known of a network family besides its graph. Preprocessing is part of a model.
 *
 * @module
 */

/** Facts about a network family and the weights that can be imported for it. */
export interface Card {
  /** Name of the family. */
  readonly family: string;
  /** Where it was published. */
  readonly paper: string;
  /** Where this implementation differs from the publication. */
  readonly departures: readonly string[];
  /** What the weights were trained to see. */
  readonly preprocessing: {
    /** Side of the square input in pixels. */
    readonly side: number;
    /** What happens to a picture before it is cut to that size. */
    readonly resize: string;
    /** Range of values. */
    readonly range: string;
    /** Subtracted from the range 0 to 1, red, green, blue. */
    readonly mean: readonly [number, number, number];
    /** Divides what is left. */
    readonly std: readonly [number, number, number];
  };
  /** Weights known to fit, or `null`. */
  readonly weights: {
    /** Where they come from. */
    readonly source: string;
    /** Their licence. */
    readonly license: string;
    /** What they should reach. */
    readonly reference: string;
  } | null;
}
