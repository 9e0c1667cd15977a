/**
 * What an ONNX file says about itself: for tests and `inspect`.
 *
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { BATCH, type Shape } from "../graph/mod.ts";
import { FLOAT } from "./_proto.ts";
import { type GraphProto, type ModelProto, ModelProtoSchema, type ValueInfoProto } from "./onnx_pb.ts";

/** An input or output of a model. */
export interface OnnxPort {
  /** Name. */
  readonly name: string;
  /** Sides; named (dynamic) and unknown ones are -1. */
  readonly shape: Shape;
}

/** What an ONNX file says about itself. */
export interface OnnxModel {
  /** Name of its graph. */
  readonly name: string;
  /** Program that wrote it, with its version where there is one. */
  readonly producer: string;
  /** Version of the file format. */
  readonly irVersion: number;
  /** Version of the operator set of the default domain. */
  readonly opset: number;
  /** Facts stored beside the graph. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What it is fed, constants left out. */
  readonly inputs: readonly OnnxPort[];
  /** What it answers. */
  readonly outputs: readonly OnnxPort[];
  /** How many nodes of each type it has, those of branches included. */
  readonly ops: Readonly<Record<string, number>>;
  /** Values in float constants of rank 1 or more. */
  readonly parameters: number;
  /** Multiply-accumulates of one batch element with every branch taken; `null` where shapes are missing in the file. */
  readonly macs: number | null;
}

/** Nesting that no model of ours comes near. */
const MAX_DEPTH = 16;

/**
 * Reads an ONNX file. It is not run and not checked beyond what is reported.
 *
 * @throws {SyntaxError} If the bytes are not an ONNX model: what is wrong.
 */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  const fail = (what: string): never => {
    throw new SyntaxError(`Cannot read ONNX: ${what}`);
  };
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    return fail(`bytes are no protobuf message (${(error as Error).message})`);
  }
  const { graph } = model;
  if (graph === undefined || model.irVersion < 1n) return fail("there is no graph or no format version");
  const opset = model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx");
  if (opset === undefined) return fail("it names no operator set");
  if (graph.node.length === 0 || graph.output.length === 0) {
    return fail("its graph has no nodes or no outputs");
  }
  const shapes = new Map<string, Shape>();
  let parameters = 0;
  const ops: Record<string, number> = Object.create(null);
  const collect = (part: GraphProto, depth: number): void => {
    if (depth > MAX_DEPTH) fail(`branches are nested deeper than ${MAX_DEPTH}`);
    for (const { name, dims, dataType, rawData } of part.initializer) {
      const sides = dims.map(Number);
      const values = sides.reduce((product, side) => product * side, 1);
      if (!sides.every((side) => Number.isSafeInteger(side) && side >= 0) || !Number.isSafeInteger(values)) {
        fail(`constant "${name}" has impossible sides [${dims}]`);
      }
      shapes.set(name, sides);
      if (dataType !== FLOAT) continue;
      if (rawData.length > 0 && rawData.length !== 4 * values) {
        fail(`constant "${name}" has ${rawData.length} bytes, [${dims}] needs ${4 * values}`);
      }
      if (sides.length > 0) parameters += values;
    }
    for (const info of [...part.input, ...part.output, ...part.valueInfo]) {
      const { name, shape } = port(info);
      if (!shapes.has(name)) shapes.set(name, shape);
    }
    for (const node of part.node) {
      ops[node.opType] = (ops[node.opType] ?? 0) + 1;
      for (const { g } of node.attribute) if (g !== undefined) collect(g, depth + 1);
    }
  };
  collect(graph, 0);
  const constants = new Set(graph.initializer.map(({ name }) => name));
  return {
    name: graph.name,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    irVersion: Number(model.irVersion),
    opset: Number(opset.version),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    inputs: graph.input.filter(({ name }) => !constants.has(name)).map(port),
    outputs: graph.output.map(port),
    ops: { ...ops },
    parameters,
    macs: macsOf(graph, shapes),
  };
}

function port({ name, type }: ValueInfoProto): OnnxPort {
  const dims = type?.value.case === "tensorType" ? type.value.value.shape?.dim ?? [] : [];
  const shape = dims.map(({ value }) =>
    value.case === "dimValue" && value.value >= 0n && value.value < 2n ** 31n ? Number(value.value) : BATCH
  );
  return { name, shape };
}

/** How many products stand behind one value of the result, by node type; others cost nothing. */
const REACH: Readonly<Record<string, (left: Shape, right: Shape) => number | undefined>> = {
  Conv: (_, w) => w.slice(1).reduce((product, side) => product * side, 1),
  Gemm: (x) => x[1],
  MatMul: (x) => x.at(-1),
};

function macsOf(graph: GraphProto, shapes: ReadonlyMap<string, Shape>): number | null {
  let macs = 0;
  for (const node of graph.node) {
    const reach = Object.hasOwn(REACH, node.opType) ? REACH[node.opType] : undefined;
    if (reach !== undefined) {
      const [left, right, out] = [node.input[0], node.input[1], node.output[0]]
        .map((name) => shapes.get(name ?? ""));
      const depth = left === undefined || right === undefined ? undefined : reach(left, right);
      if (out === undefined || depth === undefined) return null;
      const sides = [...(out[0] === BATCH ? out.slice(1) : out), depth];
      if (sides.includes(BATCH)) return null;
      macs += sides.reduce((product, side) => product * side, 1);
    }
    for (const { g } of node.attribute) {
      const inner = g === undefined ? 0 : macsOf(g, shapes);
      if (inner === null) return null;
      macs += inner;
    }
  }
  return macs;
}
