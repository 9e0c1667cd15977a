import { assertEquals, assertThrows } from "@std/assert/mod.js";
import type { Graph } from "./graph.ts";
import { GraphBuilder } from "./builder.ts";
import type { Node } from "./ops.ts";
import { verify } from "./verify.ts";

/** `y = relu(conv(x))`, one output. */
function sound(): Graph {
  const b = new GraphBuilder("sound");
  b.output("y", b.unary("relu", b.conv("c", b.input("x", [4, 4, 3]), { filters: 2, kernel: 3 }), "r"));
  return b.build();
}

function refused(change: (graph: Graph) => Partial<Graph>, said: string): void {
  const graph = sound();
  assertThrows(() => verify({ ...graph, ...change(graph) }), RangeError, `Cannot use graph "sound": ${said}`);
}

const relu = (id: string, input: string): Node => ({ id, op: "relu", inputs: [input], attrs: null });

Deno.test("verify() gives the shape of every value", () => {
  assertEquals([...verify(sound())], [
    ["x", [-1, 4, 4, 3]],
    ["c.weight", [3, 3, 3, 2]],
    ["c", [-1, 2, 2, 2]],
    ["r", [-1, 2, 2, 2]],
  ]);
});

Deno.test("verify() refuses values that are read before they are defined, or never", () => {
  refused(
    ({ nodes }) => ({ nodes: nodes.toReversed() }),
    'node "r" reads "c", which is not defined before it',
  );
  refused(({ nodes }) => ({ nodes: [...nodes, relu("s", "nowhere")] }), 'node "s" reads "nowhere"');
  refused(({ nodes }) => ({ nodes: [...nodes, relu("s", "s")] }), 'node "s" reads "s"');
});

Deno.test("verify() refuses names that are empty or taken", () => {
  refused(({ nodes }) => ({ nodes: [...nodes, relu("c", "x")] }), '"c" is defined twice');
  refused(({ nodes }) => ({ nodes: [...nodes, relu("x", "r")] }), '"x" is defined twice');
  refused(({ nodes }) => ({ nodes: [...nodes, relu("", "r")] }), "a value has no name");
  refused(({ outputs }) => ({ outputs: [...outputs, ...outputs] }), 'output "y" is named twice');
});

Deno.test("verify() refuses outputs of nothing and graphs without outputs", () => {
  refused(() => ({ outputs: [{ name: "y", id: "z" }] }), 'output "y" shows "z", which is not defined');
  refused(() => ({ outputs: [] }), "it has no output");
});

Deno.test("verify() refuses operations it does not know, inherited names of objects among them", () => {
  for (const op of ["conv3d", "toString", "__proto__"]) {
    const node = { id: "s", op, inputs: ["r"], attrs: null } as unknown as Node;
    refused(({ nodes }) => ({ nodes: [...nodes, node] }), `node "s" has unknown op "${op}"`);
  }
});

Deno.test("verify() refuses the wrong number of inputs", () => {
  const two = { id: "s", op: "relu", inputs: ["r", "r"], attrs: null } as unknown as Node;
  refused(({ nodes }) => ({ nodes: [...nodes, two] }), 'node "s" (relu) has 2 inputs, must have 1');
  const none: Node = { id: "s", op: "concat", inputs: [], attrs: { axis: 1 } };
  refused(
    ({ nodes }) => ({ nodes: [...nodes, none] }),
    'node "s" (concat) has 0 inputs, must have 1 or more',
  );
});

Deno.test("verify() refuses sides that are not positive integers", () => {
  for (const side of [0, -1, 1.5, NaN, Infinity]) {
    refused(() => ({ inputs: [{ id: "x", shape: [-1, 4, side, 3] }] }), 'input "x" has shape');
    refused(
      () => ({ params: [{ id: "c.weight", shape: [3, side, 3, 2] }] }),
      'parameter "c.weight" has shape',
    );
  }
});

Deno.test("verify() refuses shapes that do not fit and names the node", () => {
  refused(
    () => ({ params: [{ id: "c.weight", shape: [3, 3, 4, 2] }] }),
    'node "c" (conv): input has 3 channels, filter [3,3,4,2] in 1 groups needs 4',
  );
});

Deno.test("verify() looks into the bodies of branches", () => {
  const b = new GraphBuilder("sound");
  const body = new GraphBuilder("body");
  body.output("out", body.unary("relu", body.input("in", [3]), "r"));
  const gate = b.node("reshape", "gate", [b.input("g", [1])], { shape: [] });
  const x = b.input("x", [3]);
  b.output("y", b.node("branch", "maybe", [gate, x, x], { body: body.build() }));
  const graph = b.build();
  const broken = graph.nodes.map((node) =>
    node.op === "branch"
      ? { ...node, attrs: { body: { ...node.attrs.body, nodes: [relu("r", "gone")] } } }
      : node
  );
  assertThrows(
    () => verify({ ...graph, nodes: broken }),
    RangeError,
    'node "maybe" (branch): Cannot use graph "body"',
  );
});
