/**
 * `saccade inspect`: what a network, an ONNX file, a bundle or a file of weights is made of.
 *
 * @module
 */
import type { Command } from "commander";
import {
  columns,
  command,
  type CommonOptions,
  compact,
  type Outcome,
  perform,
  UsageError,
} from "./command.ts";

/** Something fed or answered; `network` says whose it is where there are several. */
interface Port {
  readonly network?: string;
  readonly name: string;
  readonly shape: readonly number[];
}

/** What is known of anything inspected. */
interface Inspected {
  readonly kind: "network" | "graph" | "onnx" | "bundle" | "weights";
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly parameters: number;
  /** Of one batch element; `null` where the file does not say. */
  readonly macs: number | null;
  readonly ops: Readonly<Record<string, number>>;
  /** More about this kind. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The command. */
export function inspectCommand(): Command {
  return command("inspect", "Show inputs, outputs, parameters, multiply-accumulates and operations.", [
    "saccade inspect resnet32-cifar",
    "saccade inspect models/repository/scenes/1 --json",
    "saccade inspect patchdrop-cifar10",
    "saccade inspect model.onnx",
    "saccade inspect weights.safetensors",
    "saccade inspect resnet32-cifar --print",
  ])
    .argument(
      "<target>",
      "network of the zoo, model of the repository, bundle folder, .onnx, .safetensors or graph .json",
    )
    .option("--repository <dir>", "folder of bundles (default: the one that ships)")
    .option("--print", "also print every node of a graph")
    .action((target: string, options: CommonOptions & { repository?: string; print?: boolean }) =>
      perform(options, () => work(target, options))
    );
}

async function work(target: string, options: { repository?: string; print?: boolean }): Promise<Outcome> {
  const { kind, more, ...found } = await inspect(target, options.repository);
  const { kind: _, ...json } = { kind, ...found, ...more };
  const port = ({ network, name, shape }: Port): string =>
    `${network === undefined ? "" : `${network}.`}${name} ${
      shape.map((side) => side < 0 ? "N" : side).join(" x ")
    }`;
  const rows = [
    ["kind", kind],
    ...found.inputs.map((each, i) => [i === 0 ? "inputs" : "", port(each)]),
    ...found.outputs.map((each, i) => [i === 0 ? "outputs" : "", port(each)]),
    ["parameters", `${compact(found.parameters)} (${found.parameters})`],
    ["MACs", found.macs === null ? "unknown" : `${compact(found.macs)} (${found.macs})`],
    ["ops", Object.entries(found.ops).map(([op, count]) => `${op} ${count}`).join(", ")],
  ];
  const printed = options.print === true && typeof more?.["print"] === "string" ? `\n\n${more["print"]}` : "";
  const { print: __, ...document } = json as Record<string, unknown>;
  return {
    json: { kind, ...document },
    text: `${found.name}\n${columns(rows.filter(([, value]) => value !== ""))}${printed}`.trimEnd(),
  };
}

async function inspect(target: string, repository: string | undefined): Promise<Inspected> {
  const stat = await Deno.stat(target).catch(() => undefined);
  if (stat?.isDirectory) {
    const { openBundle } = await import("./repository.ts");
    return await bundle(target, await openBundle(target));
  }
  if (stat?.isFile) {
    const bytes = await Deno.readFile(target);
    if (/\.onnx$/i.test(target)) return await onnx(bytes);
    if (/\.safetensors$/i.test(target)) return await weights(target, bytes);
    if (/manifest\.json$/.test(target)) {
      return await inspect(target.slice(0, target.lastIndexOf("/")) || ".", repository);
    }
    if (/\.json$/i.test(target)) {
      return await graph("graph", JSON.parse(new TextDecoder().decode(bytes)));
    }
    throw new UsageError(`Cannot inspect "${target}": must be .onnx, .safetensors, .json or a bundle folder`);
  }
  const { MODELS, modelOf } = await import("../../models/mod.ts");
  if (Object.hasOwn(MODELS, target)) return await graph("network", modelOf(target).build());
  const { findBundle, REPOSITORY } = await import("./repository.ts");
  return await bundle(
    target,
    await findBundle(repository ?? REPOSITORY, target).catch((error) => {
      throw new UsageError(
        `Cannot inspect "${target}": it is no file, no folder, no network (${
          Object.keys(MODELS).join(", ")
        }); ${error.message}`,
      );
    }),
  );
}

async function graph(kind: "network" | "graph", value: unknown): Promise<Inspected> {
  const { costOf, opCounts, parameterCount, print, verify } = await import("../../core/graph/mod.ts");
  const made = value as Parameters<typeof verify>[0];
  const shapes = verify(made);
  return {
    kind,
    name: made.name,
    inputs: made.inputs.map(({ id, shape }) => ({ name: id, shape })),
    outputs: made.outputs.map(({ name, id }) => ({ name, shape: shapes.get(id)! })),
    parameters: parameterCount(made),
    macs: costOf(made).macs,
    ops: opCounts(made),
    more: { print: print(made) },
  };
}

async function onnx(bytes: Uint8Array): Promise<Inspected> {
  const { readOnnx } = await import("../../core/onnx/mod.ts");
  const { name, inputs, outputs, parameters, macs, ops, producer, opset, metadata } = readOnnx(bytes);
  return { kind: "onnx", name, inputs, outputs, parameters, macs, ops, more: { producer, opset, metadata } };
}

async function weights(path: string, bytes: Uint8Array): Promise<Inspected> {
  const { decodeSafetensors } = await import("../../core/weights/mod.ts");
  const { tensors, metadata } = decodeSafetensors(bytes);
  return {
    kind: "weights",
    name: path,
    inputs: [],
    outputs: [],
    parameters: [...tensors.values()].reduce((total, { data }) => total + data.length, 0),
    macs: 0,
    ops: {},
    more: { metadata, tensors: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape])) },
  };
}

async function bundle(
  name: string,
  { manifest, networks, weightHash }: Awaited<ReturnType<typeof import("./repository.ts").openBundle>>,
): Promise<Inspected> {
  const parts = new Map<string, Inspected>();
  for (const [key, bytes] of networks) parts.set(key, await onnx(bytes));
  const ops: Record<string, number> = {};
  for (const part of parts.values()) {
    for (const [op, count] of Object.entries(part.ops)) ops[op] = (ops[op] ?? 0) + count;
  }
  const owned = (side: "inputs" | "outputs"): Port[] =>
    [...parts].flatMap(([network, part]) => part[side].map((port) => ({ network, ...port })));
  const entries = Object.values(manifest.networks);
  return {
    kind: "bundle",
    name,
    inputs: owned("inputs"),
    outputs: owned("outputs"),
    parameters: entries.reduce((total, { parameters }) => total + parameters, 0),
    macs: entries.reduce((total, { macs }) => total + macs, 0),
    ops,
    more: {
      model: manifest.id,
      version: manifest.version,
      weightHash,
      operatingPoints: manifest.operatingPoints,
      networks: Object.fromEntries(
        [...parts].map((
          [key, { kind: _, more: __, ...part }],
        ) => [key, { ...part, macs: manifest.networks[key]!.macs }]),
      ),
    },
  };
}
