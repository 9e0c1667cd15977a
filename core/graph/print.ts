/**
 * Graphs as text, one node per line with its shape. The prints of the models are golden files.
 *
 * @module
 */
import type { Graph } from "./graph.ts";
import { shapeText } from "./cost.ts";
import { verify } from "./verify.ts";

/** The graph as lines of text; equal graphs print equally. */
export function print(graph: Graph): string {
  const shapes = verify(graph);
  const lines = [`graph ${graph.name}`];
  for (const { id, shape } of graph.inputs) lines.push(`  input ${id}: ${shapeText(shape)}`);
  for (const { id, shape, fill } of graph.params) {
    lines.push(`  param ${id}: ${shapeText(shape)}${fill === undefined ? "" : ` = ${fill}`}`);
  }
  for (const node of graph.nodes) {
    const { body, ...attrs } = { body: undefined, ...node.attrs } as
      & { body?: Graph }
      & Record<string, unknown>;
    const text = Object.entries(attrs).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(" ");
    lines.push(
      `  ${node.id} = ${node.op}(${node.inputs.join(", ")})${text === "" ? "" : ` ${text}`}: ${
        shapeText(shapes.get(node.id)!)
      }`,
    );
    if (body !== undefined) lines.push(...print(body).trimEnd().split("\n").map((line) => `    ${line}`));
  }
  for (const { name, id } of graph.outputs) lines.push(`  output ${name} = ${id}`);
  return lines.join("\n") + "\n";
}
