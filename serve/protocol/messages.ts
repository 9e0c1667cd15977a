/**
 * Messages: what is asked and answered, as JSON. Every message is checked when it is read.
 *
 * @module
 */
import type { OperatingPoint } from "../../core/bundle/mod.ts";
import type { Box, Fit, ResampleMethod, Size } from "../../core/geometry/mod.ts";
import type { Because, Budget, SourceCost, Spent } from "../../core/policy/mod.ts";

/** Options of a glance. */
export interface GlanceRequest {
  /** Size of the picture in its own pixels; absent: the image that is sent is the picture. */
  readonly picture?: Size;
  /** What may be spent. */
  readonly budget: Budget;
  /** What fetching costs at the source; absent: what the model's transfer usually costs. */
  readonly cost?: SourceCost;
  /** Operating point; absent: the model's first. */
  readonly point?: string;
  /** Classes named in a belief, 1 to 100. */
  readonly top: number;
}

/** One class and its probability. */
export interface Guess {
  /** Name of the class. */
  readonly label: string;
  /** Its position in the card's `classes`. */
  readonly index: number;
  /** In [0, 1]. */
  readonly probability: number;
}

/** What is believed: the likeliest classes, likeliest first. */
export interface WireBelief {
  /** At most as many as asked for. */
  readonly top: readonly Guess[];
  /** Probability of the first. */
  readonly confidence: number;
}

/** How a patch is got: cut out by the client and uploaded. */
export interface Upload {
  /** Other kinds come with other sources. */
  readonly kind: "upload";
  /** Image format to encode it in. */
  readonly mediaType: string;
  /** Quality of a lossy format, 1 to 100. */
  readonly quality?: number;
  /** Bytes it is expected to take. */
  readonly expectedBytes: number;
}

/** One patch of a plan. */
export interface PlannedPatch {
  /** What it is called when it is sent. */
  readonly id: number;
  /** 0 is the best. */
  readonly rank: number;
  /** Expected gain in the method's unit; larger is better. */
  readonly gain: number;
  /** What to cut out, in whole pixels of the picture, inside the picture. */
  readonly box: Box;
  /** The same in shares of the picture's sides. */
  readonly boxNorm: Box;
  /** Where it lies in the model's grid, for methods with a grid. */
  readonly cell?: { readonly row: number; readonly column: number };
  /** Resolution level of the source; 0 is the finest. */
  readonly level: number;
  /** Size in pixels the cut is resampled to before it is sent. */
  readonly size: Size;
  /** Where the cut belongs in the model's patch; not the origin only at the border of a contained picture. */
  readonly at: { readonly x: number; readonly y: number };
  /** How to get it. */
  readonly fetch: Upload;
}

/** What every turn says. */
export interface TurnBase {
  /** Model that speaks. */
  readonly model: string;
  /** Its version. */
  readonly version: number;
  /** Hash over its networks. */
  readonly weightHash: string;
  /** Number of the turn; 0 answers the glance. */
  readonly turn: number;
  /** What is believed now. */
  readonly belief: WireBelief;
  /** Image bytes received so far, and image bytes one fetch of the whole picture is expected to take. */
  readonly bytes: { readonly received: number; readonly full: number };
  /** What has been spent. */
  readonly spent: Spent;
}

/** A turn that asks for patches. */
export interface LookTurn extends TurnBase {
  /** Not yet. */
  readonly stop: false;
  /** Patches to fetch, best first. */
  readonly plan: readonly PlannedPatch[];
  /** To be sent back with the patches. */
  readonly state: string;
}

/** A turn that answers. */
export interface AnswerTurn extends TurnBase {
  /** Done. */
  readonly stop: true;
  /** Why. */
  readonly because: Because;
}

/** A turn. */
export type WireTurn = LookTurn | AnswerTurn;

/** An image format and the quality it is sent at. */
export interface Transfer {
  /** Media type. */
  readonly type: string;
  /** Quality of a lossy format, 1 to 100. */
  readonly quality?: number;
}

/** The card of a model: what to send and what to expect. */
export interface ModelCard {
  /** Name. */
  readonly model: string;
  /** Version this card describes. */
  readonly version: number;
  /** Versions that can be addressed, ascending. */
  readonly versions: readonly number[];
  /** Hash over its networks. */
  readonly weightHash: string;
  /** One line for people. */
  readonly title: string;
  /** Name of the method. */
  readonly method: string;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** Size of what the model sees at full resolution. */
  readonly frame: Size;
  /** Size of a glance and how it is made. */
  readonly glance: Size & { readonly resample: ResampleMethod };
  /** How a picture fills the frame. */
  readonly fit: Fit;
  /** Size of a patch. */
  readonly patch: Size;
  /** Number of patches that cover the frame. */
  readonly patchesTotal: number;
  /** Formats glance and patches are sent in. */
  readonly transfer: { readonly glance: Transfer; readonly patch: Transfer };
  /** Measured settings; the first is used unless another one is asked for. */
  readonly operatingPoints: readonly OperatingPoint[];
  /** Licence of the weights. */
  readonly license: string;
}

/** One line of a list of models. */
export interface ModelLine {
  /** Name. */
  readonly model: string;
  /** Version that is used by default. */
  readonly version: number;
  /** Versions that can be addressed, ascending. */
  readonly versions: readonly number[];
  /** One line for people. */
  readonly title: string;
}

/** The models of a server. */
export interface ModelList {
  /** By name. */
  readonly models: readonly ModelLine[];
}
