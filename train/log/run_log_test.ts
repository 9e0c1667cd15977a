import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert/mod.js";
import { inFolder, namesIn } from "../../tests/support/folder.ts";
import { readMetrics } from "./metrics.ts";
import { LOG_START, type LogPosition, RunLog, writeReport } from "./run_log.ts";
import { maskedCrc32c } from "./tensorboard.ts";

const clock = () => 1_700_000_000_250;

async function log(folder: string, steps: Iterable<number>, resumeAt?: LogPosition): Promise<LogPosition> {
  using run = await RunLog.open(folder, { resumeAt, now: clock });
  for (const step of steps) {
    run.scalars({ stage: "policy", step, epoch: step / 4 }, { loss: 1 / (1 + step), accuracy: step / 100 });
  }
  await run.flush();
  return run.position();
}

function* range(from: number, to: number): Generator<number> {
  for (let step = from; step < to; step++) yield step;
}

async function contents(folder: string): Promise<Record<string, string>> {
  const entries = namesIn(folder).map(async (
    name,
  ) => [name, (await Deno.readFile(`${folder}/${name}`)).toHex()]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Frames of an event file, read without the code that wrote them. */
function frames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    assertEquals(view.getUint32(at + 8, true), maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assertEquals(view.getUint32(at + 12 + length, true), maskedCrc32c(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

Deno.test("RunLog writes one JSON object per line and one event per line", () =>
  inFolder(async (folder) => {
    await log(folder, range(0, 2));
    assertEquals(
      await Deno.readTextFile(`${folder}/metrics.jsonl`),
      '{"step":0,"epoch":0,"stage":"policy","time":1700000000.25,"loss":1,"accuracy":0}\n' +
        '{"step":1,"epoch":0.25,"stage":"policy","time":1700000000.25,"loss":0.5,"accuracy":0.01}\n',
    );
    const events = frames(await Deno.readFile(`${folder}/events.out.tfevents.1700000000.saccade`));
    assertEquals(events.length, 3);
    assert(new TextDecoder().decode(events[2]).includes("policy/accuracy"));
    assertEquals((await readMetrics(folder))[1], {
      stage: "policy",
      step: 1,
      epoch: 0.25,
      time: 1700000000.25,
      scalars: { loss: 0.5, accuracy: 0.01 },
    });
  }));

Deno.test("RunLog resumed at a checkpoint's position equals one that was never stopped", () =>
  inFolder(async (folder) => {
    await log(`${folder}/whole`, range(0, 9));
    const checkpoint = await log(`${folder}/killed`, range(0, 4));
    await log(`${folder}/killed`, range(4, 7), checkpoint); // logged, then killed before the next checkpoint
    await Deno.writeTextFile(`${folder}/killed/metrics.jsonl`, '{"step":7,"ep', { append: true });
    await log(`${folder}/killed`, range(4, 9), checkpoint);
    assertEquals(await contents(`${folder}/killed`), await contents(`${folder}/whole`));
  }));

Deno.test("RunLog.open() at LOG_START starts over; without a position it refuses a folder with a log", () =>
  inFolder(async (folder) => {
    await log(folder, range(0, 3));
    const error = await assertRejects(() => RunLog.open(folder), Deno.errors.AlreadyExists);
    assert(error.message.startsWith(`Cannot start a log in "${folder}"`), error.message);
    await log(folder, range(0, 1), LOG_START);
    assertEquals((await readMetrics(folder)).length, 1);
    assertEquals(namesIn(folder).length, 2);
  }));

Deno.test("RunLog.open() refuses a position that is not this log's", () =>
  inFolder(async (folder) => {
    const { metrics, events } = await log(folder, range(0, 3));
    const open = (position: LogPosition) => RunLog.open(folder, { resumeAt: position });
    await assertRejects(() => open({ metrics: metrics + 1, events }), RangeError, "must be at least");
    await assertRejects(() => open({ metrics: metrics - 1, events }), RangeError, "inside a record");
    await assertRejects(() => open({ metrics: 0, events: events + 1 }), RangeError, "events.out.tfevents");
    assertEquals((await readMetrics(folder)).length, 3); // refusing cut nothing
  }));

Deno.test("RunLog.scalars() refuses what JSON or a reader would not understand, and logs nothing of it", () =>
  inFolder(async (folder) => {
    using run = await RunLog.open(folder);
    const at = { stage: "policy", step: 5, epoch: 0 };
    assertThrows(
      () => run.scalars(at, { accuracy: 1, loss: NaN }),
      RangeError,
      'Cannot log "loss" in stage "policy" at step 5: value is NaN, must be finite',
    );
    assertThrows(() => run.scalars(at, { step: 1 }), TypeError, "the row's own");
    assertThrows(() => run.scalars({ ...at, step: 0.5 }, {}), RangeError, "Cannot log step 0.5");
    assertThrows(() => run.scalars({ ...at, epoch: NaN }, {}), RangeError, "epoch NaN");
    assertEquals(run.position().metrics, 0);
  }));

Deno.test("readMetrics() leaves out a line that is still being written and names a broken one", () =>
  inFolder(async (folder) => {
    await log(folder, range(0, 2));
    await Deno.writeTextFile(`${folder}/metrics.jsonl`, '{"step":2', { append: true });
    assertEquals((await readMetrics(folder)).length, 2);
    await Deno.writeTextFile(`${folder}/metrics.jsonl`, '\n{"step":3}\n', { append: true });
    await assertRejects(
      () => readMetrics(folder),
      SyntaxError,
      `Cannot read ${folder}/metrics.jsonl:3: not JSON`,
    );
  }));

Deno.test("RunLog.report() writes curves and a page that fetches nothing", () =>
  inFolder(async (folder) => {
    using run = await RunLog.open(folder, { now: clock });
    for (const step of range(0, 400)) {
      run.scalars({ stage: "policy", step, epoch: 0 }, { loss: 3 / (step + 1), accuracy: step / 400 });
    }
    run.scalars({ stage: "policy", step: 399, epoch: 1 }, { val_accuracy: 0.5 });
    const facts = {
      title: "A <run>",
      commit: "0123abc",
      seed: 3,
      dataHash: "beef",
      engine: "node",
      device: "CPU",
      options: { batch: 128, milestones: [1, 2], data: "<script>" },
      images: [{ caption: "x", bytes: Uint8Array.of(1, 2), mediaType: "image/png" as const }],
    };
    await run.report(facts);
    const page = await Deno.readTextFile(`${folder}/report.html`);
    for (
      const fact of ["A &lt;run&gt;", "0123abc", "beef", "CPU", "[1,2]", "&lt;script&gt;", "base64,AQI="]
    ) {
      assert(page.includes(fact), fact);
    }
    assert(page.includes("<td>policy</td><td>val_accuracy</td><td>399</td><td>0.5</td>"));
    assert(!page.includes("<script>") && !/(src|href)="(?!data:)/.test(page));
    const curves = await Deno.readTextFile(`${folder}/curves.svg`);
    assert(page.includes(curves));
    assert(curves.includes(">validation</text>") && curves.includes(">80%</text>"));
    await writeReport(folder, facts);
    assertEquals(await Deno.readTextFile(`${folder}/report.html`), page);
  }));
