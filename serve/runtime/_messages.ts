/**
 * What a pool and its workers say to each other.
 *
 * @module
 */
import type { Raster } from "../../core/image/mod.ts";
import { ImageError, type ImageErrorCode } from "../../core/image/mod.ts";
import type { Named, Tensor } from "../../core/tensor.ts";
import type { RuntimeName } from "./runtime.ts";

/** What a worker is asked to do. */
export type Job =
  | { readonly kind: "start"; readonly runtime: RuntimeName }
  | { readonly kind: "open"; readonly key: string; readonly networks: ReadonlyMap<string, Uint8Array> }
  | { readonly kind: "run"; readonly key: string; readonly network: string; readonly inputs: Named<Tensor> }
  | { readonly kind: "decode"; readonly bytes: Uint8Array };

/** Result of a job. */
export type Value = undefined | Named<Tensor> | Raster;

/** What a worker answers. */
export type Reply =
  | { readonly value: Value }
  | { readonly failure: Failure };

/** An error that has to keep its meaning on the other side. */
export interface Failure {
  /** Class of the error. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Code of an {@link ImageError}. */
  readonly code?: ImageErrorCode;
}

/** An error as it is sent. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message } = error;
  return error instanceof ImageError ? { name, message, code: error.code } : { name, message };
}

const BUILT_IN = { RangeError, SyntaxError, TypeError };

/** An error as it was thrown. */
export function fromFailure({ name, message, code }: Failure): Error {
  if (code !== undefined) return new ImageError(code, message);
  return name in BUILT_IN ? new BUILT_IN[name as keyof typeof BUILT_IN](message) : new Error(message);
}

/** Memory of a value that need not be copied: everything in it is the receiver's from now on. */
export function transferable(value: Value): ArrayBufferLike[] {
  if (value === undefined) return [];
  const data = value.data;
  const arrays = data instanceof Uint8Array
    ? [data]
    : Object.values(value as Named<Tensor>).map((x) => x.data);
  return [...new Set(arrays.map(({ buffer }) => buffer))];
}
