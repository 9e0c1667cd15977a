import { parse } from "@babel/parser";

/** What a source file uses of the world outside, with line numbers from 1. */
export interface Source {
  /** Imports and re-exports (static, dynamic, of types), and source files named by `new URL(…, import.meta.url)`. */
  readonly imports: readonly Import[];
  /** Dynamic imports of something that is not a literal. */
  readonly computedImportLines: readonly number[];
  /** Uses of the global `Deno`. */
  readonly denoLines: readonly number[];
  /** Uses of `Math.random`. */
  readonly mathRandomLines: readonly number[];
}

/** One import. */
export interface Import {
  /** What is imported, as written. */
  readonly specifier: string;
  /** Line, from 1. */
  readonly line: number;
  /** Whether the file is only named, as a worker's entry is. */
  readonly named: boolean;
}

interface TreeNode {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } };
  readonly [key: string]: unknown;
}

/**
 * Parses a TypeScript file and collects what it uses.
 *
 * @throws {SyntaxError} If it cannot be parsed: names file and position.
 */
export function readSource(text: string, file: string): Source {
  let tree: TreeNode;
  try {
    const plugins: ("typescript" | "jsx")[] = file.endsWith("x") ? ["typescript", "jsx"] : ["typescript"];
    tree = parse(text, { sourceType: "module", plugins }).program as unknown as TreeNode;
  } catch (error) {
    throw new SyntaxError(`Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  const found = {
    imports: [] as Import[],
    computedImportLines: [] as number[],
    denoLines: [] as number[],
    mathRandomLines: [] as number[],
  };
  visit(tree, (node) => {
    const line = node.loc?.start.line ?? 1;
    const specifier = importedBy(node);
    if (typeof specifier === "string") {
      found.imports.push({ specifier, line, named: node.type === "NewExpression" });
    }
    if (specifier === null) found.computedImportLines.push(line);
    if (isMember(node, "Math", "random")) found.mathRandomLines.push(line);
    if (usesDeno(node)) found.denoLines.push(line);
  });
  return found;
}

/** The specifier of an import, `null` of one that is computed, `undefined` of any other node. */
function importedBy(node: TreeNode): string | null | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
    case "ImportExpression":
    case "TSImportType": {
      const source = (node["source"] ?? node["argument"]) as TreeNode | null | undefined;
      if (source === null || source === undefined) return undefined; // `export { a };`
      return literal(source);
    }
    case "NewExpression": { // new URL("./worker.ts", import.meta.url) is how workers are imported
      const [path, base] = node["arguments"] as TreeNode[];
      const url = (node["callee"] as TreeNode)["name"] === "URL" && base !== undefined && isMetaUrl(base);
      const target = url && path !== undefined ? literal(path) : undefined;
      return typeof target === "string" && /\.tsx?$/.test(target) ? target : undefined;
    }
  }
  return undefined;
}

function literal(node: TreeNode): string | null {
  if (node.type === "TSLiteralType") return literal(node["literal"] as TreeNode);
  return node.type === "StringLiteral" ? node["value"] as string : null;
}

function isMetaUrl(node: TreeNode): boolean {
  return node.type === "MemberExpression" && (node["object"] as TreeNode).type === "MetaProperty";
}

function isMember(node: TreeNode, object: string, property: string): boolean {
  return node.type === "MemberExpression" && (node["object"] as TreeNode)["name"] === object &&
    (node["property"] as TreeNode)["name"] === property;
}

/** `Deno.x`, `Deno?.x`, `globalThis.Deno`, and the types `Deno.X`. */
function usesDeno(node: TreeNode): boolean {
  if (node.type === "TSQualifiedName") return (node["left"] as TreeNode)["name"] === "Deno";
  if (node.type !== "MemberExpression" && node.type !== "OptionalMemberExpression") return false;
  const object = node["object"] as TreeNode;
  return object["name"] === "Deno" ||
    (object["name"] === "globalThis" && (node["property"] as TreeNode)["name"] === "Deno");
}

function visit(value: unknown, seen: (node: TreeNode) => void): void {
  if (Array.isArray(value)) return value.forEach((item) => visit(item, seen));
  if (typeof value !== "object" || value === null) return;
  const node = value as TreeNode;
  if (typeof node.type === "string") seen(node);
  for (const key in node) if (key !== "loc" && !key.endsWith("Comments")) visit(node[key], seen);
}

/** Files that a program wrote: their length and documentation are not ours to choose. */
export const GENERATED: ReadonlySet<string> = new Set(["core/onnx/onnx_pb.ts"]);

const NOT_OURS = new Set(["node_modules", "runs", "out", "docs"]);

/** Paths of the source files of a tree, from its root; hidden folders, packages and output are not ours. */
export async function* sources(root: string, folder = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${folder}`)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory && !name.startsWith(".") && !NOT_OURS.has(path)) yield* sources(root, path);
    if (!isDirectory && /\.tsx?$/.test(name) && !name.endsWith(".d.ts")) yield path;
  }
}
