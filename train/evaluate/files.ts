/**
 * An evaluation as files: all numbers as JSON, the curve as a picture, a page for people.
 *
 * @module
 */
import { writeAtomic } from "../files.ts";
import { type Chart, renderCharts, renderReport } from "../log/mod.ts";
import type { EvaluationReport } from "./report.ts";

/** Accuracy against patches, with the levels of both ends. */
export function curveChart({ curves, baselines, accuracy, patches, model }: EvaluationReport): Chart {
  return {
    title: `${model}: accuracy against patches`,
    x: { label: "patches" },
    y: { label: "accuracy", percent: true },
    series: [
      ...curves.map(({ name, points }) => ({
        name,
        points: points.map(({ patches, accuracy }) => ({ x: patches, y: accuracy })),
      })),
      {
        name: "operating point",
        mark: "dots" as const,
        points: [{ x: patches.mean, y: accuracy, label: "operating point" }],
      },
    ],
    levels: [
      { name: "whole picture", y: baselines.full.accuracy },
      { name: "glance only", y: baselines.glance.accuracy },
    ],
  };
}

/** Writes `evaluate.json`, `report.html` and, where there are curves, `curve.svg`; the folder is made when absent. */
export async function writeEvaluation(folder: string, report: EvaluationReport): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const charts = report.curves.length === 0 ? [] : [curveChart(report)];
  await writeAtomic(`${folder}/evaluate.json`, JSON.stringify(report, null, 2) + "\n");
  if (charts.length > 0) {
    await writeAtomic(`${folder}/curve.svg`, renderCharts(charts, { columns: 1, widthPx: 720 }));
  }
  const { curves: _, ...numbers } = report;
  const page = renderReport({
    title: `${report.model} ${report.version} on ${report.data}`,
    seed: report.seed,
    dataHash: report.dataHash,
    options: numbers,
    charts,
  }, []);
  await writeAtomic(`${folder}/report.html`, page);
}
