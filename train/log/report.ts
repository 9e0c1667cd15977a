import { escape } from "@std/html/mod.js";
import { type Chart, renderCharts } from "./chart.ts";
import { curves } from "./curves.ts";
import type { MetricsRow } from "./metrics.ts";

/** A picture in a report. */
export interface ReportImage {
  /** Line below the picture. */
  readonly caption: string;
  /** The encoded picture. */
  readonly bytes: Uint8Array;
  /** Its media type, such as `image/png`. */
  readonly mediaType: `image/${string}`;
}

/** What a report says besides the numbers of the log. */
export interface RunFacts {
  /** Heading. */
  readonly title: string;
  /** Commit of the code that ran. */
  readonly commit?: string;
  /** Seed of every random stream. */
  readonly seed?: number;
  /** Hash of the training data. */
  readonly dataHash?: string;
  /** Engine, such as `node`. */
  readonly engine?: string;
  /** Device that the engine reports. */
  readonly device?: string;
  /** Resolved options; anything JSON can write. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Charts below the curves, such as accuracy against patches. */
  readonly charts?: readonly Chart[];
  /** Pictures at the end. */
  readonly images?: readonly ReportImage[];
}

/** A page that stands alone: no scripts, nothing fetched. */
export function renderReport(facts: RunFacts, rows: readonly MetricsRow[]): string {
  const { title, commit, seed, dataHash, engine, device, options = {}, charts = [], images = [] } = facts;
  const run = Object.entries({ commit, seed, "data hash": dataHash, engine, device })
    .filter(([, value]) => value !== undefined);
  const drawn = curves(rows);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<style>${STYLE}</style></head><body>
<h1>${escape(title)}</h1>
${table(["run", ""], run.map(([name, value]) => [name, String(value)]))}
<h2>Metrics</h2>
${table(["stage", "metric", "at step", "last", "lowest", "highest"], summaries(rows))}
${drawn.length === 0 ? "" : `<h2>Curves</h2>\n${renderCharts(drawn)}`}
${charts.length === 0 ? "" : `<h2>Charts</h2>\n${renderCharts(charts)}`}
<h2>Options</h2>
${table(["option", "value"], Object.entries(options).map(([name, v]) => [name, JSON.stringify(v) ?? ""]))}
${images.map(figure).join("\n")}
</body></html>
`;
}

const STYLE =
  `body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1060px;margin:2em auto;` +
  `padding:0 1em}table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em 1em .2em 0;text-align:left;` +
  `border-bottom:1px solid #e4e4e4;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}` +
  `svg,img{max-width:100%;height:auto}figure{margin:1em 0}figcaption{color:#555}`;

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  if (body.length === 0) return "<p>none</p>";
  const row = (cells: readonly string[], tag: "td" | "th") =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join("")}</tr>`;
  return `<table>${row(head, "th")}\n${body.map((cells) => row(cells, "td")).join("\n")}</table>`;
}

function summaries(rows: readonly MetricsRow[]): string[][] {
  const found = new Map<
    string,
    { cells: [string, string]; step: number; last: number; low: number; high: number }
  >();
  for (const { stage, step, scalars } of rows) {
    for (const [name, value] of Object.entries(scalars)) {
      const key = JSON.stringify([stage, name]);
      const { low, high } = found.get(key) ?? { low: value, high: value };
      found.set(key, {
        cells: [stage, name],
        step,
        last: value,
        low: Math.min(low, value),
        high: Math.max(high, value),
      });
    }
  }
  return [...found.values()].map(({ cells, step, last, low, high }) => [
    ...cells,
    String(step),
    ...[last, low, high].map((value) => String(Number(value.toPrecision(5)))),
  ]);
}

function figure({ caption, bytes, mediaType }: ReportImage): string {
  const source = `data:${escape(mediaType)};base64,${bytes.toBase64()}`;
  return `<figure><img alt="${escape(caption)}" src="${source}"><figcaption>${
    escape(caption)
  }</figcaption></figure>`;
}
