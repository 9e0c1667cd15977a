/**
 * What can be wrong with a picture somebody sends.
 *
 * @module
 */

/**
 * Why a picture was refused:
 *
 * - `unsupported`: not a JPEG, PNG or WebP, or a variant of one that is not read here.
 * - `truncated`: it ends too early.
 * - `corrupt`: its bytes contradict the format.
 * - `too-large`: its bytes, pixels, side or work to decode exceed a limit.
 */
export type ImageErrorCode = "unsupported" | "truncated" | "corrupt" | "too-large";

/** A picture that cannot be read; the message says what is wrong with it and what would do. */
export class ImageError extends Error {
  /** Name, as errors print it. */
  override readonly name = "ImageError";
  /** Why. */
  readonly code: ImageErrorCode;

  /** An error with its code and a sentence. */
  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
