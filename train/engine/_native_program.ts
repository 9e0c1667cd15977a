/**
 * Programs for TensorFlow: operations that were run one by one, written down as a graph it can run as a whole.
 *
 * The format is a SavedModel, the only one the addon loads: `saved_model.pb` with one `GraphDef`, no variables.
 * https://github.com/tensorflow/tensorflow/blob/v2.18.1/tensorflow/core/protobuf/saved_model.proto
 *
 * @module
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Attribute, Binding, TensorFacts } from "./_native_binding.ts";

/** Where an operation has a value from. */
export type Source =
  /** A tensor from outside, by its number. */
  | { readonly from: "feed"; readonly feed: number }
  /** An output of an operation before, both by number. */
  | { readonly from: "result"; readonly operation: number; readonly output: number }
  /** `int32` numbers that are part of the program: a shape, axes, paddings. */
  | { readonly from: "constant"; readonly shape: readonly number[]; readonly values: readonly number[] };

/** One operation of a program. */
export interface Operation {
  /** TensorFlow's name of it. */
  readonly name: string;
  readonly attrs: readonly Attribute[];
  readonly inputs: readonly Source[];
  readonly outputs: readonly TensorFacts[];
}

/** Operations in an order in which they can run. */
export interface Program {
  readonly feeds: readonly TensorFacts[];
  readonly operations: readonly Operation[];
}

/** The tag a program is saved under. */
export const TAG = "serve";

/** Name of a feed. */
export const feedName = (feed: number): string => `feed${feed}:0`;
/** Name of an output of an operation. */
export const resultName = (operation: number, output: number): string => `op${operation}:${output}`;

/** Version of the graph format: one at which all operations already were what they are in TensorFlow 2.18. */
const PRODUCER = 1882;
/** Fields of TensorFlow's messages that are written here. */
const SAVED_MODEL = { schemaVersion: 1, metaGraphs: 2 } as const;
const META_GRAPH = { info: 1, graph: 2 } as const;
const INFO = { tags: 4 } as const;
const GRAPH = { node: 1, versions: 4 } as const;
const NODE = { name: 1, op: 2, input: 3, attr: 5 } as const;
const VALUE = { list: 1, s: 2, i: 3, f: 4, b: 5, type: 6, shape: 7, tensor: 8 } as const;
const TENSOR = { dtype: 1, shape: 2, content: 4 } as const;

type Write = (writer: BinaryWriter) => void;

/** The bytes of `saved_model.pb`. */
export function encodeProgram({ feeds, operations }: Program, binding: Binding): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(SAVED_MODEL.schemaVersion, WireType.Varint).int64(1);
  message(writer, SAVED_MODEL.metaGraphs, (meta) => {
    message(meta, META_GRAPH.info, (info) => info.tag(INFO.tags, WireType.LengthDelimited).string(TAG));
    message(meta, META_GRAPH.graph, (graph) => {
      feeds.forEach((facts, feed) => {
        node(graph, { name: feedName(feed), op: "Placeholder" }, [
          ["dtype", type(facts.dtype)],
          ["shape", (value) => message(value, VALUE.shape, shape(facts.shape))],
        ]);
      });
      const constants = constantsOf(operations);
      for (const [key, { shape: sides, values }] of constants) {
        node(graph, { name: key, op: "Const" }, [
          ["dtype", type(binding.TF_INT32)],
          ["value", (value) => message(value, VALUE.tensor, constant(sides, values, binding.TF_INT32))],
        ]);
      }
      operations.forEach(({ name, attrs, inputs }, at) => {
        node(graph, { name: resultName(at, 0), op: name, inputs: inputs.map(nameOf) }, [
          ...attrs.map((attr): [string, Write] => [attr.name, attribute(attr, binding)]),
          ...inferred(name, attrs, inputs, { feeds, operations }),
        ]);
      });
      message(graph, GRAPH.versions, (versions) => versions.tag(1, WireType.Varint).int32(PRODUCER));
    });
  });
  return writer.finish();
}

function nameOf(source: Source): string {
  if (source.from === "feed") return feedName(source.feed);
  if (source.from === "result") return resultName(source.operation, source.output);
  return constantName(source);
}

/** Equal constants are one. */
function constantName({ shape, values }: Pick<Source & { from: "constant" }, "shape" | "values">): string {
  return `int32_${shape.join("x")}_${values.join("_").replaceAll("-", "m")}:0`;
}

function constantsOf(operations: readonly Operation[]): Map<string, Source & { from: "constant" }> {
  const all = operations.flatMap(({ inputs }) => inputs.filter((input) => input.from === "constant"));
  return new Map(all.map((source) => [constantName(source), source]));
}

/** tfjs-node leaves out the type of what `ExpandDims` gets: eager execution finds it out, a graph must say it. */
function inferred(
  name: string,
  attrs: readonly Attribute[],
  [first]: readonly Source[],
  { feeds, operations }: Program,
): [string, Write][] {
  if (name !== "ExpandDims" || attrs.length > 0 || first === undefined || first.from === "constant") {
    return [];
  }
  const facts = first.from === "feed"
    ? feeds[first.feed]!
    : operations[first.operation]!.outputs[first.output]!;
  return [["T", type(facts.dtype)]];
}

function message(writer: BinaryWriter, field: number, write: Write): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

interface NodeHead {
  /** With the number of an output, which a node's own name lacks. */
  readonly name: string;
  readonly op: string;
  readonly inputs?: readonly string[];
}

function node(
  graph: BinaryWriter,
  { name, op, inputs = [] }: NodeHead,
  attrs: readonly [string, Write][],
): void {
  message(graph, GRAPH.node, (own) => {
    own.tag(NODE.name, WireType.LengthDelimited).string(name.slice(0, name.indexOf(":")));
    own.tag(NODE.op, WireType.LengthDelimited).string(op);
    for (const input of inputs) own.tag(NODE.input, WireType.LengthDelimited).string(input);
    for (const [key, write] of attrs) {
      message(own, NODE.attr, (entry) => {
        entry.tag(1, WireType.LengthDelimited).string(key);
        message(entry, 2, write);
      });
    }
  });
}

const type = (dtype: number): Write => (value) => value.tag(VALUE.type, WireType.Varint).int32(dtype);

const shape = (sides: readonly number[]): Write => (writer) => {
  for (const side of sides) message(writer, 2, (dim) => dim.tag(1, WireType.Varint).int64(side));
};

const constant = (sides: readonly number[], values: readonly number[], dtype: number): Write => (tensor) => {
  tensor.tag(TENSOR.dtype, WireType.Varint).int32(dtype);
  message(tensor, TENSOR.shape, shape(sides));
  const content = new Uint8Array(Int32Array.from(values).buffer);
  tensor.tag(TENSOR.content, WireType.LengthDelimited).bytes(content);
};

/** An attribute as the addon got it; an array is a list. */
function attribute({ name, type, value }: Attribute, binding: Binding): Write {
  const write = (writer: BinaryWriter, one: unknown): BinaryWriter => {
    switch (type) {
      case binding.TF_ATTR_STRING:
        return writer.tag(VALUE.s, WireType.LengthDelimited).string(one as string);
      case binding.TF_ATTR_INT:
        return writer.tag(VALUE.i, WireType.Varint).int64(one as number);
      case binding.TF_ATTR_FLOAT:
        return writer.tag(VALUE.f, WireType.Bit32).float(one as number);
      case binding.TF_ATTR_BOOL:
        return writer.tag(VALUE.b, WireType.Varint).bool(one as boolean);
      case binding.TF_ATTR_TYPE:
        return writer.tag(VALUE.type, WireType.Varint).int32(one as number);
      default:
        throw new RangeError(
          `Cannot write attribute "${name}": its type is ${type}, must be a known TF_ATTR_*`,
        );
    }
  };
  // Fields of a list of values have the numbers of the single ones.
  return (writer) =>
    Array.isArray(value)
      ? message(writer, VALUE.list, (list) => value.forEach((one) => write(list, one)))
      : write(writer, value);
}
