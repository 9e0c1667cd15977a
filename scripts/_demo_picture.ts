/**
 * The picture of the demo: for every scene the glance, what was fetched, and what it changed.
 *
 * @module
 */
import { escape } from "@std/html/mod.js";
import type { Box } from "../core/geometry/mod.ts";
import { crop, resample } from "../core/geometry/mod.ts";
import { encode, type Raster } from "../core/image/mod.ts";
import type { DemoScene } from "./demo.ts";

const WIDTH = 1200;
const EDGE = 36;
const TOP = 148;
const TILE = 232;
const ROW = TILE + 44;
const PICTURE_X = EDGE + TILE + 44;
const STRIP_X = PICTURE_X + TILE + 44;
/** Patches stand in the first of these that has room for them: columns and rows. */
const STRIPS = [[2, 3], [3, 4]] as const;
const STRIP_WIDTH = 174;
const BARS_X = STRIP_X + STRIP_WIDTH + 30;
const LABEL_WIDTH = 92;
const BAR_X = BARS_X + LABEL_WIDTH;
const BAR_WIDTH = WIDTH - EDGE - BAR_X - 48;

const INK = "#e8eef2";
const QUIET = "#8fa3b0";
const PAPER = "#101a22";
const TRACK = "#22313c";
const FETCHED = "#ffc247";
const GLANCE = "#5fb3d9";
const FOUND = "#ff5d8f";

const num = (value: number): string => String(Math.round(value * 100) / 100);

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${num(x)}" y="${num(y)}" ${more}>${escape(content)}</text>`;
}

function rect({ x, y, w, h }: Box, more: string): string {
  return `<rect x="${num(x)}" y="${num(y)}" width="${num(w)}" height="${num(h)}" ${more}/>`;
}

async function dataUri(picture: Raster, lossless: boolean): Promise<string> {
  const type = lossless ? "image/png" as const : "image/jpeg" as const;
  return `data:${type};base64,${
    (await encode(picture, lossless ? { type } : { type, quality: 88 })).toBase64()
  }`;
}

/** Whether one box holds another. */
function holds(outer: Box, inner: Box): boolean {
  return inner.x >= outer.x && inner.y >= outer.y && inner.x + inner.w <= outer.x + outer.w &&
    inner.y + inner.h <= outer.y + outer.h;
}

/** Bytes as people say them. */
export function bytesText(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

async function glanceTile(scene: DemoScene, y: number): Promise<string> {
  const { glance } = scene;
  // Enlarged here, pixel by pixel: not every viewer honours image-rendering.
  const factor = Math.max(1, Math.floor(512 / glance.width));
  const large = resample(glance, {
    width: glance.width * factor,
    height: glance.height * factor,
    method: "nearest",
  });
  return `<image x="${EDGE}" y="${
    num(y)
  }" width="${TILE}" height="${TILE}" preserveAspectRatio="none" href="${await dataUri(
    large,
    true,
  )}"/>` + rect({ x: EDGE, y, w: TILE, h: TILE }, `fill="none" stroke="${GLANCE}" stroke-width="2"`);
}

async function pictureTile({ picture, fetched, sign }: DemoScene, y: number, id: string): Promise<string> {
  const scale = TILE / picture.width;
  const place = (box: Box): Box => ({
    x: PICTURE_X + box.x * scale,
    y: y + box.y * scale,
    w: box.w * scale,
    h: box.h * scale,
  });
  const tile = { x: PICTURE_X, y, w: TILE, h: TILE };
  const frames = fetched.map((box) => {
    const found = holds(box, sign);
    return rect(
      place(box),
      `fill="none" stroke="${found ? FOUND : FETCHED}" stroke-width="${found ? 2.5 : 1.5}"`,
    );
  });
  return `<defs><image id="${id}" x="${PICTURE_X}" y="${
    num(y)
  }" width="${TILE}" height="${TILE}" href="${await dataUri(
    picture,
    false,
  )}"/><clipPath id="${id}c">${
    fetched.map((box) => rect(place(box), "")).join("") || rect({ ...tile, w: 0 }, "")
  }</clipPath></defs>` +
    rect(tile, `fill="${PAPER}"`) + `<use href="#${id}" opacity="0.5"/>` +
    `<g clip-path="url(#${id}c)"><use href="#${id}"/></g>` + frames.join("") +
    rect(tile, `fill="none" stroke="${TRACK}"`);
}

async function strip({ picture, patch, fetched, sign }: DemoScene, y: number): Promise<string> {
  const [across, down] = STRIPS.find(([across, down]) => fetched.length <= across * down) ?? STRIPS[1];
  const room = across * down;
  const step = TILE / down;
  const side = step - 6;
  const shown = fetched.length > room ? fetched.slice(0, room - 1) : fetched;
  const spot = (i: number): Box => ({
    x: STRIP_X + (i % across) * step,
    y: y + Math.floor(i / across) * step,
    w: side,
    h: side,
  });
  const chips = await Promise.all(shown.map(async (box, i) => {
    const at = spot(i);
    const found = holds(box, sign);
    const sent = resample(crop(picture, box), { ...patch, method: "bilinear" });
    const large = resample(sent, { width: 4 * patch.width, height: 4 * patch.height, method: "nearest" });
    return `<image x="${num(at.x)}" y="${num(at.y)}" width="${num(at.w)}" height="${
      num(at.h)
    }" href="${await dataUri(
      large,
      false,
    )}"/>` + rect(at, `fill="none" stroke="${found ? FOUND : FETCHED}" stroke-width="${found ? 3 : 1.5}"`);
  }));
  const more = fetched.length - shown.length;
  const rest = spot(room - 1);
  return chips.join("") + (more === 0 ? "" : text(
    rest.x + rest.w / 2,
    rest.y + rest.h / 2 + 6,
    `+${more}`,
    `fill="${FETCHED}" font-size="17" font-weight="600" text-anchor="middle"`,
  ));
}

function bars({ before, after, label, classes }: DemoScene, y: number): string {
  const step = 150 / classes.length;
  return classes.map((name, i) => {
    const top = y + 34 + i * step;
    const [early, late] = [before.get(name) ?? 0, after.get(name) ?? 0];
    const color = name === label ? FOUND : FETCHED;
    const bar = (share: number, from: number, height: number, fill: string): string =>
      rect({ x: BAR_X, y: from, w: Math.max(1.5, share * BAR_WIDTH), h: height }, `fill="${fill}" rx="1.5"`);
    return text(
      BAR_X - 10,
      top + 11.5,
      name,
      `text-anchor="end" font-size="12.5" fill="${name === label ? INK : QUIET}"`,
    ) +
      rect({ x: BAR_X, y: top + 1, w: BAR_WIDTH, h: 12.5 }, `fill="${TRACK}" opacity="0.6" rx="1.5"`) +
      bar(early, top + 1, 4.5, GLANCE) + bar(late, top + 6.5, 7, color) +
      (late >= 0.005
        ? text(BAR_X + BAR_WIDTH + 8, top + 12, `${Math.round(100 * late)} %`, `font-size="12" fill="${INK}"`)
        : "");
  }).join("");
}

function verdict({ predicted, label, confidence }: DemoScene, y: number): string {
  const right = predicted === label;
  const mark = right ? "M0,6 L4,10 L12,0" : "M0,0 L10,10 M10,0 L0,10";
  const color = right ? "#6fd08c" : "#ff7a6b";
  return `<path transform="translate(${num(BARS_X)} ${
    num(y + 3)
  })" d="${mark}" fill="none" stroke="${color}" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>` +
    text(
      BARS_X + 22,
      y + 15,
      `${predicted}, ${(100 * confidence).toFixed(1)} %`,
      `font-size="18" font-weight="600"`,
    ) +
    (right
      ? ""
      : text(WIDTH - EDGE, y + 15, `it is ${label}`, `font-size="14" fill="${QUIET}" text-anchor="end"`));
}

function bytesBar({ bytes, glanceBytes, wholeBytes, pixelShare }: DemoScene, y: number): string {
  const width = WIDTH - EDGE - BARS_X;
  const most = Math.max(wholeBytes, bytes);
  const [first, all, full] = [glanceBytes, bytes, wholeBytes].map((value) => width * value / most) as [
    number,
    number,
    number,
  ];
  const top = y + TILE - 18;
  const line = `${bytesText(bytes)} sent of ${bytesText(wholeBytes)}: ${
    (100 * bytes / wholeBytes).toFixed(0)
  } %; ${(100 * pixelShare).toFixed(1)} % of the pixels`;
  return text(BARS_X, top - 8, line, `font-size="13" fill="${QUIET}"`) +
    rect({ x: BARS_X, y: top, w: full, h: 14 }, `fill="${TRACK}" rx="2"`) +
    rect({ x: BARS_X, y: top, w: all, h: 14 }, `fill="${FETCHED}" rx="2"`) +
    rect({ x: BARS_X, y: top, w: first, h: 14 }, `fill="${GLANCE}" rx="2"`);
}

/** Key to the colours. */
function legend(y: number): string {
  const items = [
    [GLANCE, "glance"],
    [FETCHED, "fetched patches"],
    [FOUND, "where the class is"],
  ] as const;
  let x = WIDTH - EDGE;
  return items.toReversed().map(([color, name]) => {
    x -= 7.2 * name.length + 34;
    return rect({ x, y: y - 10, w: 12, h: 12 }, `fill="${color}" rx="2"`) +
      text(x + 18, y, name, `font-size="13" fill="${QUIET}"`);
  }).join("");
}

/** The picture as SVG text. */
export async function demoSvg(scenes: readonly DemoScene[], footer: string): Promise<string> {
  const [first] = scenes;
  const height = TOP + scenes.length * ROW + 18;
  const size = first === undefined ? "" : `${first.glance.width} x ${first.glance.height} px`;
  const heads = [
    [EDGE, `1  The client sends a glance, ${size}`],
    [PICTURE_X, "2  Saccade says what to fetch"],
    [STRIP_X, "3  Only that is sent"],
    [BARS_X, "4  Belief: after the glance, after the patches"],
  ] as const;
  const rows = await Promise.all(scenes.map(async (scene, i) => {
    const y = TOP + i * ROW;
    return [
      await glanceTile(scene, y),
      await pictureTile(scene, y, `s${i}`),
      await strip(scene, y),
      verdict(scene, y),
      bars(scene, y),
      bytesBar(scene, y),
    ].join("");
  }));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
    `font-family="Inter, system-ui, sans-serif" fill="${INK}">\n` +
    rect({ x: 0, y: 0, w: WIDTH, h: height }, `fill="${PAPER}" rx="14"`) + "\n" +
    text(EDGE, 54, "Decide which pixels to fetch before fetching them", `font-size="27" font-weight="700"`) +
    text(EDGE, 82, footer, `font-size="14" fill="${QUIET}"`) + legend(82) +
    heads.map(([x, head]) => text(x, TOP - 16, head, `font-size="13.5" font-weight="600"`)).join("") + "\n" +
    rows.join("\n") + "\n</svg>\n";
}
