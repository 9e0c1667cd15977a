import type { Chart, Series } from "./chart.ts";
import type { MetricsRow } from "./metrics.ts";

/**
 * The charts of a run: one per metric, one line per stage. `val_loss` shares the chart of `loss`, and a metric
 * whose values all lie in [0, 1] and whose name says that it is a share is written in percent.
 */
export function curves(rows: readonly MetricsRow[]): Chart[] {
  const charts = new Map<string, Map<string, { x: number; y: number }[]>>();
  const stages = new Set(rows.map(({ stage }) => stage));
  for (const { stage, step, scalars } of rows) {
    for (const [name, value] of Object.entries(scalars)) {
      const [, validation, metric] = /^(val[_/])?(.*)$/.exec(name)!;
      const series = [stages.size > 1 ? stage : "", validation === undefined ? "" : "validation"]
        .filter((part) => part !== "").join(" ") || "training";
      const lines = charts.get(metric!) ?? new Map<string, { x: number; y: number }[]>();
      const points = lines.get(series) ?? [];
      points.push({ x: step, y: value });
      charts.set(metric!, lines.set(series, points));
    }
  }
  return [...charts].map(([metric, lines]) => {
    const series: Series[] = [...lines].map(([name, points]) => ({ name, points }));
    const percent = /accuracy|share/.test(metric) &&
      series.every(({ points }) => points.every(({ y }) => y >= 0 && y <= 1));
    return { title: metric, x: { label: "step" }, y: { label: "", percent }, series };
  });
}
