import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert/mod.js";
import { GraphBuilder, initialize } from "../../core/graph/mod.ts";
import { toOnnx } from "../../core/onnx/mod.ts";
import { stream } from "../../core/random.ts";
import { tensor } from "../../core/tensor.ts";
import { fakeRuntime, isRuntimeName, openRuntime, RUNTIMES } from "./mod.ts";
import { Queue } from "./_queue.ts";

/** Two inputs; `sum` is `a + b`, `twice` is `2 a`. */
function model(): Uint8Array {
  const b = new GraphBuilder("sums");
  const [x, y] = [b.input("a", [2]), b.input("b", [2])];
  b.output("sum", b.node("add", "s", [x, y], null));
  b.output("twice", b.node("add", "t", [x, x], null));
  const graph = b.build();
  return toOnnx({ graph, weights: initialize(graph, (id) => stream(1, id)) });
}

const row = (...values: number[]) => tensor([values.length / 2, 2], Float32Array.from(values));

for (const name of RUNTIMES) {
  Deno.test(`load() on ${name} reports names and shapes and runs any batch`, async () => {
    const runtime = await openRuntime(name);
    assertEquals(runtime.name, name);
    assert(/^\d+\.\d+\.\d+/.test(runtime.version), runtime.version);
    const session = await runtime.load(model());
    assertEquals(session.inputs, [{ name: "a", shape: [-1, 2] }, { name: "b", shape: [-1, 2] }]);
    assertEquals(session.outputs, [{ name: "sum", shape: [-1, 2] }, { name: "twice", shape: [-1, 2] }]);
    assertEquals(await session.run({ a: row(1, 2), b: row(3, 4) }), { sum: row(4, 6), twice: row(2, 4) });
    const three = await session.run({ b: row(1, 1, 1, 1, 1, 1), a: row(1, 2, 3, 4, 5, 6) });
    assertEquals(three["sum"], row(2, 3, 4, 5, 6, 7));
    await session.release();
  });

  Deno.test(`run() on ${name} answers in memory of the caller's own, from views too`, async () => {
    const session = await (await openRuntime(name)).load(model());
    const big = Float32Array.of(9, 9, 1, 2, 9);
    const first = await session.run({ a: tensor([1, 2], big.subarray(2, 4)), b: row(0, 0) });
    const second = await session.run({ a: row(5, 5), b: row(5, 5) });
    assertEquals([first["sum"], second["sum"]], [row(1, 2), row(10, 10)]);
    first["sum"]!.data.fill(-1);
    assertEquals(await session.run({ a: row(1, 2), b: row(0, 0) }), { sum: row(1, 2), twice: row(2, 4) });
    await session.release();
  });

  Deno.test(`run() on ${name} refuses bad inputs, alone, and serves the calls around them`, async () => {
    const session = await (await openRuntime(name)).load(model());
    const good = session.run({ a: row(1, 1), b: row(2, 2) });
    for (
      const [inputs, said] of [
        [{ a: row(1, 1) }, 'Cannot read "b"'],
        [{ a: row(1, 1), b: tensor([1, 3]) }, 'input "b" is [1,3], must be [-1,2]'],
        [{ a: row(1, 1), b: tensor([2]) }, 'input "b" is [2], must be [-1,2]'],
        [{ a: row(1, 1), b: { shape: [1, 2], data: new Float32Array(3) } }, "has 3 values"],
        [{ a: row(1, 1), b: tensor([0, 2]) }, 'input "b" is [0,2]'],
        [{ a: row(1, 1), b: row(1, 1), c: row(1, 1) }, 'there is no input "c"'],
      ] as const
    ) {
      await assertRejects(() => session.run(inputs), RangeError, said);
    }
    // Batches that do not fit to each other are found only by the runtime itself.
    const bad = session.run({ a: row(1, 1, 1, 1), b: row(1, 1, 1, 1, 1, 1) });
    const after = session.run({ a: row(3, 3), b: row(2, 2) });
    await assertRejects(() => bad, Error, "Cannot run session");
    assertEquals([(await good)["sum"], (await after)["sum"]], [row(3, 3), row(5, 5)]);
    await session.release();
  });

  Deno.test(`release() on ${name} waits for calls made before and refuses those made after`, async () => {
    const session = await (await openRuntime(name)).load(model());
    const before = session.run({ a: row(1, 1), b: row(2, 2) });
    const released = session.release();
    await assertRejects(() => session.run({ a: row(1, 1), b: row(2, 2) }), TypeError, "it was released");
    await released;
    await session.release();
    assertEquals((await before)["sum"], row(3, 3));
  });

  Deno.test(`load() on ${name} refuses bytes that are no model and keeps working`, async () => {
    const runtime = await openRuntime(name);
    const bytes = model();
    for (const bad of [new Uint8Array(0), new Uint8Array(100), bytes.subarray(0, bytes.length >> 1)]) {
      await assertRejects(() => runtime.load(bad), SyntaxError, "Cannot load model");
    }
    const session = await runtime.load(bytes);
    await session.release();
  });
}

Deno.test("openRuntime() on web says no to another number of threads in the same process", async () => {
  await openRuntime("web");
  await assertRejects(() => openRuntime("web", { threads: 2 }), RangeError, "it runs with 1 threads");
  await assertRejects(() => openRuntime("web", { threads: 0 }), RangeError, "threads is 0");
  await assertRejects(() => openRuntime("node", { threads: 1.5 }), RangeError, "threads is 1.5");
});

Deno.test("openRuntime() on web leaves the global Worker as it was", async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  const session = await (await openRuntime("web")).load(model());
  await session.release();
  assertEquals(Object.getOwnPropertyDescriptor(globalThis, "Worker"), before);
  assertStringIncludes(String(Worker), "class Worker");
});

/** Runs a program that has `openRuntime`, `bytes` of the model and `row`, and prints one JSON value. */
async function elsewhere(permissions: readonly string[], program: string): Promise<unknown> {
  const source = `
    import { openRuntime } from ${JSON.stringify(import.meta.resolve("./mod.ts"))};
    const bytes = Uint8Array.from(${JSON.stringify([...model()])});
    const row = { shape: [1, 2], data: Float32Array.of(1, 2) };
    ${program}`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, "--no-prompt", "--no-check", "--ext=ts", `--config=${config}`, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout);
  assert(said !== "", new TextDecoder().decode(stderr));
  return JSON.parse(said);
}

Deno.test("openRuntime() on web starts threads of its own when asked", async () => {
  const said = await elsewhere(
    ["-A"],
    `const worker = globalThis.Worker;
    const runtime = await openRuntime("web", { threads: 2 });
    const session = await runtime.load(bytes);
    const { sum } = await session.run({ a: row, b: row });
    await session.release();
    console.log(JSON.stringify([runtime.device, ...sum.data, globalThis.Worker === worker]));`,
  );
  assertEquals(said, ["WebAssembly, 2 threads", 2, 4, true]);
});

Deno.test("openRuntime() without permission for native code opens web and says why node is not there", async () => {
  const said = await elsewhere(
    ["--allow-read", "--allow-env"],
    `const session = await (await openRuntime("web")).load(bytes);
    const { sum } = await session.run({ a: row, b: row });
    const node = await openRuntime("node").then(() => "opened", (error) => error.message);
    console.log(JSON.stringify({ sum: [...sum.data], node }));`,
  ) as { sum: number[]; node: string };
  assertEquals(said.sum, [2, 4]);
  assertStringIncludes(said.node, 'Cannot open runtime "node": ');
  assertStringIncludes(said.node, "--allow-ffi");
});

Deno.test("openRuntime() opens both runtimes inside a worker", async () => {
  const source = `
    import { openRuntime } from ${JSON.stringify(import.meta.resolve("./mod.ts"))};
    self.onmessage = async ({ data }) => {
      const row = { shape: [1, 2], data: Float32Array.of(1, 2) };
      const sums = [];
      for (const name of ["web", "node"]) {
        const session = await (await openRuntime(name)).load(data);
        sums.push([...(await session.run({ a: row, b: row })).sum.data]);
        await session.release();
      }
      self.postMessage(sums);
    };
    self.postMessage("up");`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  try {
    await next();
    const answer = next();
    worker.postMessage(model());
    assertEquals(await answer, [[2, 4], [2, 4]]);
  } finally {
    worker.terminate();
  }
});

Deno.test("isRuntimeName() knows the runtimes and nothing inherited", () => {
  assertEquals(["web", "node", "toString", ""].map(isRuntimeName), [true, true, false, false]);
});

Deno.test("fakeRuntime() runs calls one after another and fails only the call that fails", async () => {
  const inputs = [{ name: "x", shape: [-1, 1] }];
  const session = await fakeRuntime(() => ({
    inputs,
    outputs: inputs,
    run: ({ x }, call) => {
      if (call === 1) throw new Error("second call");
      return { x: tensor([1, 1], x!.data.map((value) => value + call)) };
    },
  })).load(new Uint8Array(0));
  const calls = [1, 2, 3].map((value) => session.run({ x: tensor([1, 1], Float32Array.of(value)) }));
  const [first, second, third] = await Promise.allSettled(calls);
  assertEquals(first!.status === "fulfilled" && first!.value["x"]!.data[0], 1);
  assertEquals(second!.status, "rejected");
  assertEquals(third!.status === "fulfilled" && third!.value["x"]!.data[0], 5);
  await session.release();
  await assertRejects(() => session.run({ x: tensor([1, 1]) }), TypeError);
});

Deno.test("Queue runs tasks in order, never two at once, past failures", async () => {
  const queue = new Queue();
  const log: string[] = [];
  const task = (name: string, fails = false) =>
    queue.add(async () => {
      log.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      log.push(`${name} out`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([task("a"), task("b", true), task("c")]);
  assertEquals(log, ["a in", "a out", "b in", "b out", "c in", "c out"]);
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
});
