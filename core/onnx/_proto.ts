/**
 * Small constructors over the generated messages.
 *
 * @module
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { BATCH, type Shape } from "../graph/mod.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.ts";

/** Numbers of the types of values in the format. */
export const FLOAT = 1;
/** 64-bit integers: shapes, axes, indices. */
export const INT64 = 7;

/** The name of the batch axis in every exported model. */
export const BATCH_NAME = "N";

/** An attribute without its name. */
export type Attribute = MessageInitShape<typeof AttributeProtoSchema>;

/** An attribute holding a float. */
export const float = (f: number): Attribute => ({ f, type: 1 });
/** An attribute holding an integer. */
export const int = (i: number): Attribute => ({ i: BigInt(i), type: 2 });
/** An attribute holding text. */
export const text = (s: string): Attribute => ({ s: new TextEncoder().encode(s), type: 3 });
/** An attribute holding a graph. */
export const subgraph = (g: GraphProto): Attribute => ({ g, type: 5 });
/** An attribute holding integers. */
export const ints = (values: readonly number[]): Attribute => ({ ints: values.map(BigInt), type: 7 });

/** Attributes as a message list, in the order written. */
export function attributes(named: Readonly<Record<string, Attribute>>): AttributeProto[] {
  return Object.entries(named).map(([name, value]) => create(AttributeProtoSchema, { ...value, name }));
}

/** A float32 value of a graph: its name and shape. */
export function valueInfo(name: string, shape: Shape): ValueInfoProto {
  const dim = shape.map((side) =>
    side === BATCH
      ? { value: { case: "dimParam" as const, value: BATCH_NAME } }
      : { value: { case: "dimValue" as const, value: BigInt(side) } }
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: FLOAT, shape: { dim } } } },
  });
}

/** A float32 constant, raw little-endian whatever the machine. */
export function floatTensor(name: string, shape: Shape, data: Float32Array): TensorProto {
  const raw = new Uint8Array(4 * data.length);
  const view = new DataView(raw.buffer);
  data.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: FLOAT, rawData: raw });
}

/** A vector of 64-bit integers. */
export function intTensor(name: string, values: readonly number[]): TensorProto {
  const raw = new Uint8Array(8 * values.length);
  const view = new DataView(raw.buffer);
  values.forEach((value, i) => view.setBigInt64(8 * i, BigInt(value), true));
  return create(TensorProtoSchema, { name, dims: [BigInt(values.length)], dataType: INT64, rawData: raw });
}
