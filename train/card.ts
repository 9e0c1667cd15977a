/**
 * The card of a bundle: what it is, how it was made, what it reaches and where it fails, for people.
 *
 * @module
 */
import type { Manifest } from "../core/bundle/mod.ts";
import type { EvaluationReport } from "./evaluate/report.ts";

/** What the card says beyond the manifest. */
export interface CardFacts {
  /** One or two paragraphs: what the model is for. */
  readonly about?: string;
  /** Evaluations, each a table with its baselines. */
  readonly reports?: readonly EvaluationReport[];
  /** What it should not be trusted with. */
  readonly limitations?: readonly string[];
  /** Command that made it. */
  readonly command?: string;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const count = (value: number): string =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(2)} G`
    : value >= 1e6
    ? `${(value / 1e6).toFixed(2)} M`
    : value >= 1e4
    ? `${(value / 1e3).toFixed(1)} k`
    : String(Math.round(value * 100) / 100);

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...body.map(row)].join("\n");
}

const BASELINES = {
  glance: "glance only",
  full: "every cell",
  random: "random cells",
  center: "cells nearest to the centre",
  fixed: "best fixed set",
} as const;

/** The table of one evaluation: the model first, then its baselines. */
export function reportTable(report: EvaluationReport): string {
  const baselines = Object.entries(BASELINES).map(([key, name]) => {
    const { accuracy, patches } = report.baselines[key as keyof typeof BASELINES];
    return [name, percent(accuracy), patches.toFixed(2)];
  });
  return table(["", "accuracy", "patches"], [
    ["**policy**", `**${percent(report.accuracy)}**`, `**${report.patches.mean.toFixed(2)}**`],
    ...baselines,
  ]);
}

function evaluation(report: EvaluationReport): string {
  const { bytes, patches, pixels, calibration } = report;
  return `### Operating point \`${report.point}\` on ${report.data} (${report.images} pictures)

${reportTable(report)}

Baselines use the same classifier; those that choose cells do so at the same mean number of patches.

- patches: ${patches.mean.toFixed(2)} ± ${
    patches.std.toFixed(2)
  }, ${patches.distinct} different sets of cells, ${report.turns.toFixed(2)} turns
- pixels: ${percent(pixels.patches)} of the frame in patches, ${percent(pixels.glance)} in the glance
- bytes: ${count(bytes.total)} (glance ${count(bytes.glance)}, patches ${
    count(bytes.patches)
  }); the whole picture has ${count(bytes.whole)} in the same format: ${
    bytes.saving >= 0 ? `${percent(bytes.saving)} saved` : `${percent(-bytes.saving)} **more**`
  }
- multiply-accumulates: ${count(report.macs)}
- calibration: error ${percent(calibration.error)} in 15 bins`;
}

/** The card as Markdown. */
export function renderCard(manifest: Manifest, facts: CardFacts = {}): string {
  const { method, provenance, glance, frame, normalization, transfer } = manifest;
  const { grid } = method;
  const side = grid.cell + 2 * grid.halo;
  const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join("\n");
  const sent = ({ type, quality }: Manifest["transfer"]["glance"]): string =>
    `\`${type}\`${quality === undefined ? "" : ` quality ${quality}`}`;
  const parts = [
    `# ${manifest.title}`,
    `\`${manifest.id}\` version ${manifest.version}, method \`${method.name}\`. Generated from the manifest; do not edit.`,
    ...(facts.about === undefined ? [] : [facts.about]),
    "## What it is sent",
    list([
      `frame ${frame.width} x ${frame.height}, pictures fitted by \`${manifest.fit}\``,
      `glance ${glance.width} x ${glance.height} (\`${glance.resample}\`), as ${sent(transfer.glance)}`,
      `${
        grid.rows * grid.columns
      } cells of ${grid.cell} px (${grid.rows} x ${grid.columns}), patches of ${side} px, as ${
        sent(transfer.patch)
      }`,
      `\`(x / 255 - mean) / std\`, RGB, mean ${
        normalization.mean.map((x) => +x.toFixed(4)).join(", ")
      }, std ${normalization.std.map((x) => +x.toFixed(4)).join(", ")}`,
      `reading \`${method.reading}\`, fusion \`${method.fusion}\`, temperature ${+manifest.temperature
        .toFixed(4)}`,
      `classes: ${manifest.classes.length > 24 ? manifest.classes.length : manifest.classes.join(", ")}`,
    ]),
    "## Networks",
    table(
      ["network", "input", "parameters", "MACs", "bytes"],
      Object.entries(manifest.networks).map(([name, network]) => [
        name,
        network.inputs.map(({ name, shape }) =>
          `${name} ${shape.map((side) => side < 0 ? "N" : side).join("x")}`
        )
          .join(", "),
        count(network.parameters),
        count(network.macs),
        count(network.bytes),
      ]),
    ),
    "## Operating points",
    table(
      ["name", "levels", "confidence", "measured on", "accuracy", "patches", "bytes", "MACs"],
      manifest.operatingPoints.map((point) => [
        point.name,
        point.levels.map((level) => +level.toFixed(4)).join(", "),
        point.confidence === undefined ? "never early" : String(point.confidence),
        point.images === 0 ? "not measured" : `${point.split}, ${point.images} pictures`,
        percent(point.accuracy),
        point.patches.toFixed(2),
        count(point.bytes),
        count(point.macs),
      ]),
    ),
    ...((facts.reports ?? []).length === 0 ? [] : ["## Evaluation", ...facts.reports!.map(evaluation)]),
    "## How it was made",
    list([
      `data: ${provenance.data} (hash \`${provenance.dataHash.slice(0, 16)}\`)`,
      `seed ${provenance.seed}, engine ${provenance.engine}, commit \`${provenance.commit}\`, ${provenance.created}`,
      ...(facts.command === undefined ? [] : [`command: \`${facts.command}\``]),
    ]),
    `<details><summary>options</summary>\n\n\`\`\`json\n${
      JSON.stringify(provenance.options, null, 2)
    }\n\`\`\`\n\n</details>`,
    ...((facts.limitations ?? []).length === 0 ? [] : ["## Limitations", list(facts.limitations!)]),
    "## Licence and sources",
    `This bundle: ${manifest.license}.`,
    ...(manifest.sources.length === 0
      ? []
      : [list(manifest.sources.map(({ what, license, origin }) => `${what}: ${license}, ${origin}`))]),
  ];
  return parts.join("\n\n") + "\n";
}
