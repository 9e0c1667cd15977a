/**
 * What tfjs-node's addon offers: TensorFlow's C API by numbers and handles.
 *
 * @module
 */

/** One attribute of a TensorFlow op: `type` is a `TF_ATTR_*` number, `value` what the op expects under that name. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What is known of a tensor without reading it. */
export interface TensorFacts {
  readonly shape: readonly number[];
  /** A `TF_*` number. */
  readonly dtype: number;
}

/** A tensor of TensorFlow's by its handle. */
export interface Handle extends TensorFacts {
  readonly id: number;
}

/** Values of a tensor. */
export type Values = Float32Array | Int32Array | Uint8Array;

/** The addon. */
export interface Binding {
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], dtype: number, values: Values): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Values;
  executeOp(name: string, attrs: readonly Attribute[], inputs: readonly number[], outputs: number): Handle[];
  /** Loads the folder of a SavedModel; `tags` are joined by commas. */
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  /** Runs a loaded model; names (`node:output`) are joined by commas. */
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): Handle[];
}
