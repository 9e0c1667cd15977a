/** What a run by the command line leaves for people and their tools, and what it says while it runs. */
import { assert, assertEquals } from "@std/assert/mod.js";
import { readMetrics } from "../../train/log/mod.ts";
import { assertReadable, saccade } from "../support/command.ts";
import { readEvents } from "../support/events.ts";
import { inFolder } from "../support/folder.ts";
import { elementsOf } from "../support/markup.ts";
import { TINY_CLASSIFIER, tinyData, writePictures } from "../support/tiny_run.ts";

Deno.test("saccade train leaves metrics, events and a report that agree, and tells rate, time and waiting in plain lines", async () => {
  await inFolder(async (root) => {
    await writePictures(`${root}/data`, await tinyData(20));
    await Deno.writeTextFile(`${root}/recipe.json`, JSON.stringify(TINY_CLASSIFIER));
    const { code, err } = await saccade(
      ...["train", "--recipe", `${root}/recipe.json`, "--data", `${root}/data`, "--run", `${root}/run`],
      ...["--engine", "wasm", "--log-every", "2"],
    );
    assertEquals(code, 0, err);

    assertReadable(err);
    for (const epoch of [1, 2, 3]) {
      const line = new RegExp(
        `^classifier ${epoch}/3 100% [\\d.]+ images/s, \\d+ s in all, \\d+% waiting, loss [\\d.]+, accuracy [\\d.]+$`,
        "m",
      );
      assert(line.test(err), err);
    }

    // Every line is a JSON object of its own for any reader, not only for ours.
    const text = await Deno.readTextFile(`${root}/run/metrics.jsonl`);
    assert(text.endsWith("\n"));
    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(
      lines.map(({ stage, step }) => `${stage} ${step}`),
      [1, 2, 3].flatMap((epoch) => [
        `classifier ${4 * epoch - 2}`,
        `classifier ${4 * epoch}`,
        `classifier/validation ${4 * epoch}`,
      ]),
    );
    const rows = await readMetrics(`${root}/run`);
    assertEquals(rows.map(({ scalars, ...row }) => ({ ...row, ...scalars })), lines);

    const [version, ...events] = await readEvents(`${root}/run`);
    assertEquals(version!.version, "brain.Event:2");
    assertEquals(
      events,
      rows.map(({ stage, step, time, scalars }) => ({
        time,
        step,
        scalars: Object.fromEntries(
          Object.entries(scalars).map(([name, v]) => [`${stage}/${name}`, Math.fround(v)]),
        ),
      })),
    );

    const curves = await Deno.readTextFile(`${root}/run/curves.svg`);
    const drawn = elementsOf(curves, { html: false });
    assertEquals([drawn[0]!.name, drawn[0]!.attributes["xmlns"]], ["svg", "http://www.w3.org/2000/svg"]);
    const page = elementsOf(await Deno.readTextFile(`${root}/run/report.html`), { html: true });
    assertEquals(page.slice(0, 2).map(({ name }) => name), ["html", "head"]);
    const svg = page.find(({ name }) => name === "svg");
    assertEquals(svg?.inside, ["html", "body"]);
    assertEquals(page.filter(({ name }) => name === "polyline" || name === "path").length > 0, true);
    assert(page.every(({ name, attributes }) => name !== "script" && !("src" in attributes)));
  });
});

Deno.test("elementsOf() refuses what no browser should have to guess", () => {
  const bad = [
    "<a><b></a></b>",
    "<a",
    "<a>",
    "<a x=1></a>",
    '<a x="1" x="2"></a>',
    "<a>R&D</a>",
    "<a></a>b",
    '<a x="<"></a>',
  ];
  for (const text of bad) {
    let refused = false;
    try {
      elementsOf(text, { html: false });
    } catch (error) {
      refused = error instanceof SyntaxError;
    }
    assert(refused, text);
  }
  assertEquals(elementsOf('<a x="1"><b/>R&amp;D</a>', { html: false }).map(({ name }) => name), ["a", "b"]);
});
