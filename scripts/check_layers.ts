/**
 * Fails where the tree breaks its own rules: who may import whom, where `Deno.*` and packages may be used, file
 * names and lengths, randomness that no seed governs.
 *
 * `deno run -A scripts/check_layers.ts [FOLDER]` prints `file:line: what is wrong` and exits with 1.
 *
 * @module
 */
import { join, normalize } from "@std/path/posix/mod.js";
import { GENERATED, type Import, readSource, type Source, sources } from "./_source.ts";

/** What one part of the tree may use. The longest `path` that fits a file is its layer. */
interface Layer {
  /** Folder or file, from the root. */
  readonly path: string;
  /** Folders and files of ours it may import, besides itself. */
  readonly imports: readonly string[];
  /** Packages it must not import. */
  readonly never: readonly RegExp[];
  /** Whether it may use `Deno.*` and `node:`. */
  readonly system: boolean;
}

/** A broken rule. */
export interface Finding {
  /** File, from the root. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** What is wrong and what must be. */
  readonly what: string;
}

const TFJS = /^@tensorflow\//;
const ONNX = /^onnxruntime/;
const HONO = /^(@hono\/|hono\b)/;
const EVERYTHING = [""];

const LAYERS: readonly Layer[] = [
  { path: "core", imports: [], never: [TFJS, ONNX, HONO], system: false },
  { path: "models", imports: ["core"], never: [TFJS, ONNX, HONO], system: false },
  { path: "train", imports: ["core", "models"], never: [ONNX, HONO], system: true },
  // Evaluation is handed what runs a network: the same code judges both runtimes.
  {
    path: "train/evaluate",
    imports: ["core", "models", "train/data", "train/files.ts", "train/log"],
    never: [TFJS, ONNX, HONO],
    system: true,
  },
  { path: "serve/mod.ts", imports: ["core", "serve"], never: [TFJS], system: false },
  { path: "serve/protocol", imports: ["core"], never: [TFJS, ONNX, HONO], system: false },
  { path: "serve/engine", imports: ["core", "serve/protocol"], never: [TFJS, ONNX, HONO], system: false },
  { path: "serve/runtime", imports: ["core"], never: [TFJS, HONO], system: false },
  {
    path: "serve/transport",
    imports: ["core", "serve/protocol", "serve/engine"],
    never: [TFJS, ONNX],
    system: false,
  },
  { path: "serve/adapters", imports: ["core", "serve"], never: [TFJS], system: true },
  { path: "client", imports: ["core", "serve/protocol"], never: [TFJS, ONNX, HONO], system: false },
  { path: "web", imports: ["core", "serve/protocol", "client"], never: [TFJS, HONO], system: false },
  { path: "scripts", imports: EVERYTHING, never: [], system: true },
  { path: "tests", imports: EVERYTHING, never: [], system: true },
  { path: "bench", imports: EVERYTHING, never: [], system: true },
  { path: "mod.ts", imports: EVERYTHING, never: [], system: false },
];

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = new Set(["util", "utils", "helper", "helpers", "misc", "common", "shared"]);
const MAX_LINES = 500;

/**
 * Checks one file.
 *
 * @param file Path from the root, with `/`.
 * @throws {SyntaxError} If the text cannot be parsed.
 */
export function checkFile(file: string, text: string): Finding[] {
  const source = readSource(text, file);
  const layer = layerOf(file);
  if (layer === undefined) return [{ file, line: 1, what: "is in no layer, must be added to LAYERS" }];
  const test = /_(test|bench)\.tsx?$/.test(file);
  const found = [
    ...checkShape(file, text),
    ...source.imports.flatMap((one) =>
      checkImport(file, one, { layer, test }).map((what) => ({ line: one.line, what }))
    ),
    ...(test ? [] : checkUses(source, layer)),
  ];
  return found.map(({ line, what }) => ({ file, line, what })).sort((a, b) => a.line - b.line);
}

type Loose = Omit<Finding, "file">;

function checkShape(file: string, text: string): Loose[] {
  const found: Loose[] = [];
  const name = file.split("/").at(-1)!.replace(/\.\w+$/, "");
  if (EMPTY_NAMES.has(name)) {
    found.push({ line: 1, what: `name "${name}" says nothing, must name the one idea` });
  }
  if (!/^[a-z0-9_.]+$/.test(name)) found.push({ line: 1, what: `name "${name}" must be snake_case` });
  const lines = text.split("\n").length - 1;
  if (lines > MAX_LINES && !GENERATED.has(file)) {
    found.push({
      line: MAX_LINES,
      what: `has ${lines} lines, must be at most ${MAX_LINES}: find the second idea`,
    });
  }
  return found;
}

/** A test may use any package, but of ours only what its layer may and `tests`: others belong in `tests`. */
function checkImport(
  file: string,
  { specifier, named }: Import,
  { layer, test }: { layer: Layer; test: boolean },
): string[] {
  if (!/^\.{0,2}\//.test(specifier)) {
    const name = specifier.replace(/^(npm|jsr):\/?/, "");
    if (test) return [];
    if (!layer.system && /^node:/.test(name)) return [`${layer.path} must not import "${name}"`];
    return layer.never.some((pattern) => pattern.test(name))
      ? [`${layer.path} must not import "${name}"`]
      : [];
  }
  const folder = file.slice(0, Math.max(0, file.lastIndexOf("/")));
  const target = normalize(join(folder, specifier));
  if (target.startsWith("../")) return [`imports "${specifier}", which is outside of the tree`];
  const allowed = [layer.path, ...layer.imports, ...(test ? ["tests"] : [])];
  const found: string[] = [];
  if (!allowed.some((path) => within(target, path))) {
    found.push(`${layer.path} must not import "${target}", only ${layer.imports.join(", ") || "itself"}`);
  }
  const [, home, name] = /^(?:(.*)\/)?([^/]+)$/.exec(target)!;
  if (!named && name!.startsWith("_") && !within(folder, home ?? "")) {
    found.push(`"${target}" is private to "${home ?? "."}", must be reached through a public file of it`);
  }
  return found;
}

function checkUses(source: Source, layer: Layer): Loose[] {
  const found: Loose[] = [];
  const add = (lines: readonly number[], what: string) =>
    found.push(...lines.map((line) => ({ line, what })));
  if (!layer.system) {
    add(source.denoLines, `${layer.path} must not use Deno.*`);
    add(source.computedImportLines, "an import must be of a literal, so that this check sees it");
  }
  if (!["tests", "bench"].includes(layer.path)) {
    add(source.mathRandomLines, "Math.random is not seeded, must be a random stream passed in");
  }
  return found;
}

function layerOf(file: string): Layer | undefined {
  const fitting = LAYERS.filter(({ path }) => within(file, path));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0];
}

function within(file: string, path: string): boolean {
  return path === "" || file === path || file.startsWith(`${path}/`);
}

/** Checks every source file of a tree. */
export async function checkTree(root: string): Promise<{ files: number; findings: Finding[] }> {
  const findings: Finding[] = [];
  let files = 0;
  for await (const file of sources(root)) {
    files++;
    findings.push(...checkFile(file, await Deno.readTextFile(`${root}/${file}`)));
  }
  return { files, findings };
}

if (import.meta.main) {
  const { files, findings } = await checkTree(Deno.args[0] ?? ".");
  for (const { file, line, what } of findings) console.error(`${file}:${line}: ${what}`);
  console.error(`layers: ${files} files, ${findings.length} findings`);
  if (findings.length > 0) Deno.exit(1);
}
