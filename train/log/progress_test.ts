import { assert, assertEquals } from "@std/assert/mod.js";
import { formatDuration, Progress, type ProgressStream } from "./progress.ts";

function fake(isTTY: boolean): ProgressStream & { text: string; now: number } {
  return {
    isTTY,
    columns: 200,
    text: "",
    now: 0,
    write(text: string) {
      this.text += text;
    },
  };
}

Deno.test("Progress tells rate, time left, share of waiting, and fields", async () => {
  const stream = fake(false);
  using progress = new Progress({ title: "policy 3/15", total: 1000, mode: "silent", now: () => stream.now });
  assertEquals(`${progress}`, "policy 3/15 0% 0 images/s, ? left, 0% waiting");
  for (let step = 0; step < 4; step++) {
    const batch = progress.waiting(Promise.resolve(32).finally(() => stream.now += 250));
    assertEquals(await batch, 32);
    stream.now += 750;
    progress.advance(100, { loss: 0.7134, steps: 12345 });
  }
  // 400 images in 4 s, a quarter of it waiting; 600 are left
  assertEquals(`${progress}`, "policy 3/15 40% 100 images/s, 6 s left, 25% waiting, loss 0.713, steps 12345");
  assertEquals(stream.text, "");
});

Deno.test("Progress takes the rate from the last 20 s and does not count what was done before", () => {
  const stream = fake(false);
  using progress = new Progress({
    title: "a",
    total: 10_000,
    done: 5000,
    mode: "silent",
    now: () => stream.now,
  });
  const run = (seconds: number, rate: number) => {
    for (let i = 0; i < 2 * seconds; i++) {
      stream.now += 500;
      progress.advance(rate / 2);
    }
  };
  run(10, 10);
  assert(`${progress}`.startsWith("a 51% 10 images/s"), `${progress}`);
  run(20, 100);
  assert(`${progress}`.startsWith("a 71% 100 images/s, 29 s left"), `${progress}`);
});

Deno.test("Progress.waiting() passes errors on and counts their time too", async () => {
  const stream = fake(false);
  using progress = new Progress({ title: "a", total: 1, mode: "silent", now: () => stream.now });
  const failed = progress.waiting(Promise.reject(new Error("no data")).finally(() => stream.now += 1000));
  assertEquals(await failed.catch((error: Error) => error.message), "no data");
  assert(`${progress}`.includes("100% waiting"));
});

Deno.test("Progress writes a plain line every 10 s and one at the end where there is no terminal", () => {
  const stream = fake(false);
  {
    using progress = new Progress({ title: "a", total: 25, unit: "rows", stream, now: () => stream.now });
    for (let i = 0; i < 25; i++) {
      stream.now += 1000;
      progress.advance(1);
    }
    progress[Symbol.dispose]();
  }
  assertEquals(
    stream.text,
    "a 40% 1 rows/s, 15 s left, 0% waiting\na 80% 1 rows/s, 5 s left, 0% waiting\na 100% 1 rows/s, 25 s in all, 0% waiting\n",
  );
});

Deno.test("Progress draws a bar on a terminal and ends its line", () => {
  const stream = fake(true);
  {
    using progress = new Progress({ title: "policy", total: 10, stream, now: () => stream.now });
    stream.now += 1000;
    progress.advance(5, { loss: 0.5 });
  }
  assert(stream.text.includes("policy ░░░░░░░░░░░░░░░░░░░░ 0%"), stream.text);
  assert(stream.text.includes("policy ██████████░░░░░░░░░░ 50% 5 images/s, 1 s left, 0% waiting, loss 0.5"));
  assert(stream.text.endsWith("\n"));
});

Deno.test("Progress writes to standard error only", async () => {
  const script = `import { Progress } from ${JSON.stringify(import.meta.resolve("./progress.ts"))};
    using progress = new Progress({ title: "a", total: 1 });
    progress.advance(1);`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stdout)], [0, ""], text.decode(stderr));
  assert(text.decode(stderr).includes("a 100%"), text.decode(stderr));
});

Deno.test("formatDuration() rounds to what matters", () => {
  assertEquals([0.4, 59.6, 125, 3599.7, 12000, -1].map(formatDuration), [
    "0 s",
    "1 min 00 s",
    "2 min 05 s",
    "1 h 00 min",
    "3 h 20 min",
    "0 s",
  ]);
});
