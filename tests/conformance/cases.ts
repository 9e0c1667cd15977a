/**
 * The one list of cases: every operation with the attributes and shapes that interpreters get wrong. Run by both ONNX runtimes
 * and by every training engine that is present.
 *
 * @module
 */
import type { Case } from "./case.ts";
import { IMAGE_CASES } from "./cases_image.ts";
import { NETWORK_CASES } from "./cases_network.ts";
import { PLAIN_CASES } from "./cases_plain.ts";

export type { Case } from "./case.ts";

/** Every case. */
export const CASES: readonly Case[] = [...IMAGE_CASES, ...PLAIN_CASES, ...NETWORK_CASES];
