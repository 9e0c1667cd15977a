/**
 * Figures as SVG text: lines, dots and level lines over two axes, readable on any background and without scripts.
 *
 * Scales and tick texts are d3-scale's. The marks are written by hand: Plot and its like need a document, and put
 * their legends outside of the SVG.
 *
 * @module
 */
import { escape } from "@std/html/mod.js";
import { scaleLinear, scaleLog } from "d3-scale";
import { placeLabels } from "./_labels.ts";
import { type Bucket, bucketize } from "./_buckets.ts";

/** One value, in data units. */
export interface Point {
  /** Position along the x axis. */
  readonly x: number;
  /** Position along the y axis. */
  readonly y: number;
  /** Written beside the dot where there is room, and shown when pointed at. */
  readonly label?: string;
}

/** Points that belong together. */
export interface Series {
  /** Name in the legend. */
  readonly name: string;
  /** Points; those that are not finite are left out. Lines join them in this order. */
  readonly points: readonly Point[];
  /** How they are drawn; lines of very many points become their mean and range. @default "line" */
  readonly mark?: "line" | "dots" | "both";
}

/** A horizontal line across the chart, such as the accuracy of the full image. */
export interface Level {
  /** Written on the line. */
  readonly name: string;
  /** Height, in units of the y axis. */
  readonly y: number;
}

/** One axis. */
export interface Axis {
  /** What it measures, with its unit. */
  readonly label: string;
  /** Logarithmic; all values must be above 0, others are left out. @default false */
  readonly log?: boolean;
  /** Writes shares as percentages. @default false */
  readonly percent?: boolean;
  /** Lowest and highest value; chosen from the data when absent. */
  readonly domain?: readonly [number, number];
}

/** One chart. */
export interface Chart {
  /** Line above the chart. */
  readonly title: string;
  /** Horizontal axis. */
  readonly x: Axis;
  /** Vertical axis. */
  readonly y: Axis;
  /** What is drawn, in legend order. */
  readonly series: readonly Series[];
  /** Lines across the chart. */
  readonly levels?: readonly Level[];
}

/** Options of {@linkcode renderCharts}. */
export interface RenderOptions {
  /** Charts beside each other. @default 2 */
  readonly columns?: number;
  /** Width of one chart in px, at least 240. @default 520 */
  readonly widthPx?: number;
  /** Height of one chart in px, at least 180. @default 320 */
  readonly heightPx?: number;
}

/** Draws charts into one SVG document. */
export function renderCharts(charts: readonly Chart[], options: RenderOptions = {}): string {
  const { columns = 2, widthPx = 520, heightPx = 320 } = options;
  if (!(columns >= 1 && widthPx >= 240 && heightPx >= 180)) {
    throw new RangeError(
      `Cannot draw charts: ${columns} of ${widthPx} x ${heightPx} px, must be at least 1 of 240 x 180`,
    );
  }
  const across = Math.max(1, Math.min(columns, charts.length));
  const width = across * widthPx;
  const height = Math.max(1, Math.ceil(charts.length / across)) * heightPx;
  const body = charts.map((chart, index) => {
    const left = (index % across) * widthPx;
    const top = Math.floor(index / across) * heightPx;
    return `<g transform="translate(${left} ${top})">${drawChart(chart, widthPx, heightPx)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#333">\n` +
    `<rect width="${width}" height="${height}" fill="#fff"/>\n${body.join("\n")}\n</svg>\n`;
}

// Okabe and Ito's colours, told apart by readers with any colour vision; yellow is too pale on white.
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333"] as const;
/** Series past the colours repeat them in another dash. */
const DASHES = ["", "5 3", "2 2"] as const;
/** Lines of more points than this are drawn as the mean and the range of buckets: one needs a px or two. */
const MAX_LINE_POINTS = 240;
const TEXT_PX = 6; // mean width of a letter at 11 px
// Keeps words readable where a line runs below them.
const HALO = 'fill="#555" paint-order="stroke" stroke="#fff" stroke-width="3"';
const LEFT_PX = 68; // room for the axis label and ticks such as "0.0002"

interface Style {
  readonly color: string;
  readonly dash: string;
}

interface Plane {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function drawChart(chart: Chart, width: number, height: number): string {
  const series = chart.series.map((one) => ({ ...one, points: one.points.filter((p) => visible(p, chart)) }));
  const levels = (chart.levels ?? []).filter((level) => visible({ x: 1, y: level.y }, chart));
  const legend = drawLegend(series, width);
  const left = LEFT_PX;
  const top = 30 + legend.height;
  const right = width - 22;
  const bottom = height - 42;
  const x = axisScale(chart.x, series.flatMap((one) => one.points.map((p) => p.x)), [left, right]);
  const ys = [...series.flatMap((one) => one.points.map((p) => p.y)), ...levels.map((level) => level.y)];
  const y = axisScale(chart.y, ys, [bottom, top]);
  const plane: Plane = { x: x.at, y: y.at, left, right, top, bottom };
  const middle = (top + bottom) / 2;
  return [
    text(left, 18, chart.title, 'font-size="13" font-weight="600"'),
    legend.svg,
    ...y.ticks.map(({ at, label }) =>
      line(left, at, right, at, "#e4e4e4") + text(left - 6, at + 4, label, 'text-anchor="end"')
    ),
    ...x.ticks.map(({ at, label }) =>
      line(at, bottom, at, bottom + 4, "#999") + text(at, bottom + 16, label, 'text-anchor="middle"')
    ),
    line(left, bottom, right, bottom, "#999"),
    text((left + right) / 2, height - 8, chart.x.label, 'text-anchor="middle"'),
    text(14, middle, chart.y.label, `text-anchor="middle" transform="rotate(-90 14 ${num(middle)})"`),
    ...levels.map((level) =>
      line(left, y.at(level.y), right, y.at(level.y), "#777", 'stroke-dasharray="6 4"')
    ),
    ...series.map((one, index) => drawSeries(one, styleOf(index), plane)),
    drawLabels(series, levels, plane),
  ].join("");
}

function visible({ x, y }: Point, chart: Chart): boolean {
  return Number.isFinite(x) && Number.isFinite(y) && !(chart.x.log && x <= 0) && !(chart.y.log && y <= 0);
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

function axisScale(
  { log, percent, domain }: Axis,
  values: readonly number[],
  range: [number, number],
): Scale {
  const length = Math.abs(range[1] - range[0]);
  const count = Math.max(2, Math.round(length / 60));
  const [low, high] = domain ?? extent(values, log ?? false);
  const scale = (log ? scaleLog() : scaleLinear()).domain([low, high]).range(range);
  if (domain === undefined) scale.nice(count);
  const format = scale.tickFormat(count, percent ? "~%" : log ? "~g" : undefined);
  const ticks = scale.ticks(count).map((value) => ({ at: scale(value), label: format(value) }));
  return { at: scale, ticks: ticks.filter(({ label }) => label !== "") };
}

function extent(values: readonly number[], log: boolean): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [log ? 0.1 : 0, 1];
  if (low < high) return [low, high];
  const reach = Math.abs(low) / 10 || 1; // one value only: put it in the middle
  return log ? [low / 2, low * 2] : [low - reach, high + reach];
}

function styleOf(index: number): Style {
  return {
    color: COLORS[index % COLORS.length]!,
    dash: DASHES[Math.floor(index / COLORS.length) % DASHES.length]!,
  };
}

function drawSeries({ points, mark = "line" }: Series, style: Style, plane: Plane): string {
  const dense = mark === "line" && points.length > MAX_LINE_POINTS;
  const buckets = dense ? bucketize(points, MAX_LINE_POINTS / 2) : undefined;
  const parts: string[] = [];
  if (buckets !== undefined) parts.push(drawRange(buckets, style, plane));
  if (mark !== "dots") parts.push(drawLine(buckets ?? points, style, plane));
  if (mark !== "line" || points.length === 1) {
    parts.push(...points.map((point) => drawDot(point, style, plane)));
  }
  return parts.join("");
}

function drawLine(points: readonly Point[], { color, dash }: Style, { x, y }: Plane): string {
  if (points.length < 2) return "";
  const path = points.map((p) => `${num(x(p.x))},${num(y(p.y))}`).join(" ");
  const dashes = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return `<polyline fill="none" stroke="${color}" stroke-width="1.6" stroke-linejoin="round"${dashes} points="${path}"/>`;
}

function drawRange(buckets: readonly Bucket[], { color }: Style, { x, y }: Plane): string {
  const upper = buckets.map((b) => `${num(x(b.x))},${num(y(b.high))}`);
  const lower = buckets.map((b) => `${num(x(b.x))},${num(y(b.low))}`).reverse();
  return `<polygon fill="${color}" fill-opacity="0.15" points="${[...upper, ...lower].join(" ")}"/>`;
}

function drawDot({ x, y, label }: Point, { color }: Style, plane: Plane): string {
  const title = label === undefined ? "" : `<title>${escape(label)}</title>`;
  return `<circle cx="${num(plane.x(x))}" cy="${num(plane.y(y))}" r="3.2" fill="${color}">${title}</circle>`;
}

function drawLabels(series: readonly Series[], levels: readonly Level[], plane: Plane): string {
  const anchors = [
    ...levels.map(({ name, y }) => ({ text: name, x: plane.right, y: plane.y(y) })),
    ...series.flatMap((one) =>
      one.points.flatMap(({ x, y, label }) =>
        label === undefined ? [] : [{ text: label, x: plane.x(x), y: plane.y(y) }]
      )
    ),
  ];
  return placeLabels(anchors, { ...plane, letterPx: TEXT_PX })
    .map(({ x, y, text: content }) => text(x, y, content, HALO))
    .join("");
}

function drawLegend(series: readonly Series[], width: number): { svg: string; height: number } {
  if (series.length < 2) return { svg: "", height: 0 };
  let x: number = LEFT_PX;
  let row = 0;
  const items = series.map(({ name, mark }, index) => {
    const size = 26 + name.length * TEXT_PX + 10;
    if (x + size > width && x > LEFT_PX) [x, row] = [LEFT_PX, row + 1];
    const { color, dash } = styleOf(index);
    const y = 34 + row * 15;
    const swatch = mark === "dots"
      ? `<circle cx="${num(x + 9)}" cy="${y - 4}" r="3.6" fill="${color}"/>`
      : line(x, y - 4, x + 18, y - 4, color, `stroke-width="2.4" stroke-dasharray="${dash}"`);
    const item = swatch + text(x + 23, y, name);
    x += size;
    return item;
  });
  return { svg: items.join(""), height: (row + 1) * 15 };
}

function line(x1: number, y1: number, x2: number, y2: number, color: string, more = ""): string {
  const ends = `x1="${num(x1)}" y1="${num(y1)}" x2="${num(x2)}" y2="${num(y2)}"`;
  return `<line ${ends} stroke="${color}" ${more}/>`;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${num(x)}" y="${num(y)}" ${more}>${escape(content)}</text>`;
}

function num(value: number): string {
  return String(Math.round(value * 10) / 10);
}
