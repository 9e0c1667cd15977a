import { assert, assertEquals, assertThrows } from "@std/assert/mod.js";
import { resample } from "../../core/geometry/resample.ts";
import { decode, encode } from "../../core/image/mod.ts";
import type { Raster } from "../../core/image/raster.ts";
import { renderScene, SCENE_CLASSES, sceneDataset, sceneLabel } from "./scenes.ts";

Deno.test("renderScene() is decided by seed, part, index and size alone", () => {
  const options = { seed: 3, index: 5, size: 128 };
  const scene = renderScene(options);
  assertEquals(renderScene(options), scene);
  assertEquals(scene.label, sceneLabel(options));
  for (const other of [{ seed: 4 }, { index: 6 }, { split: "test" }]) {
    assert(
      renderScene({ ...options, ...other }).image.data.some((value, i) => value !== scene.image.data[i]),
    );
  }
});

Deno.test("renderScene() keeps 5 to 7 pads inside 512 px, apart from each other, one of them the object", () => {
  for (let index = 0; index < 12; index++) {
    const { image, box, distractors } = renderScene({ seed: 1, index });
    assertEquals([image.width, image.height], [512, 512]);
    assert(distractors.length >= 4 && distractors.length <= 6, `${distractors.length}`);
    const pads = [box, ...distractors];
    for (const [i, { x, y, w, h }] of pads.entries()) {
      assert(w === 16 && h === 16 && x >= 0 && y >= 0 && x + w <= 512 && y + h <= 512);
      for (const other of pads.slice(0, i)) assert(Math.hypot(x - other.x, y - other.y) >= 40);
    }
  }
});

Deno.test("renderScene() keeps the pads' size and scales their number with the area", () => {
  assertEquals(renderScene({ seed: 1, index: 0, size: 128 }).distractors.length, 1);
  const { box, distractors } = renderScene({ seed: 1, index: 0, size: 1024 });
  assertEquals(box.w, 16);
  assert(distractors.length >= 16 && distractors.length <= 24);
  assertThrows(() => renderScene({ seed: 1, index: 0, size: 64 }), RangeError, "96 to 2048");
  assertThrows(() => renderScene({ seed: 1, index: -1 }), RangeError, "index is -1");
});

Deno.test("renderScene() places objects anywhere: neither the centre nor the brightest spot tells", () => {
  const quadrants = [0, 0, 0, 0];
  let brightest = 0;
  const count = 64;
  for (let index = 0; index < count; index++) {
    const { image, box } = renderScene({ seed: 2, index, size: 256 });
    quadrants[(box.x + 8 < 128 ? 0 : 1) + (box.y + 8 < 128 ? 0 : 2)]!++;
    const glance = resample(image, { width: 32, height: 32, method: "area" }).data;
    let best = 0;
    for (let i = 3; i < glance.length; i += 3) {
      const light = (at: number): number => glance[at]! + glance[at + 1]! + glance[at + 2]!;
      if (light(i) > light(best)) best = i;
    }
    const [x, y] = [(best / 3 % 32) * 8 + 4, Math.floor(best / 96) * 8 + 4];
    if (Math.abs(x - box.x - 8) < 24 && Math.abs(y - box.y - 8) < 24) brightest++;
  }
  for (const inQuadrant of quadrants) assert(inQuadrant >= 7 && inQuadrant <= 26, quadrants.join());
  assert(brightest < count / 10, `${brightest} of ${count}`);
});

/** Values of a square around the pad, in a common frame: the pad's pixel phase decides which glance pixels those are. */
function around(picture: Raster, x: number, y: number, side: number): Float64Array {
  const out = new Float64Array(side * side * 3);
  for (let i = 0; i < out.length; i++) {
    const column = Math.min(picture.width - 1, Math.max(0, x + Math.floor(i / 3) % side));
    const row = Math.min(picture.height - 1, Math.max(0, y + Math.floor(i / 3 / side)));
    out[i] = picture.data[(row * picture.width + column) * 3 + (i % 3)]! / 255;
  }
  return out;
}

/** Share of the second half whose nearest class mean, learned on the first half, is its own class. */
function nearestCentroid(features: readonly Float64Array[], labels: readonly number[]): number {
  const half = features.length / 2;
  const width = features[0]!.length;
  const sums = SCENE_CLASSES.map(() => new Float64Array(width));
  const counts = SCENE_CLASSES.map(() => 0);
  for (let i = 0; i < half; i++) {
    counts[labels[i]!]!++;
    for (let d = 0; d < width; d++) sums[labels[i]!]![d]! += features[i]![d]!;
  }
  let right = 0;
  for (let i = half; i < features.length; i++) {
    const distances = sums.map((sum, k) =>
      features[i]!.reduce((total, value, d) => total + (value - sum[d]! / counts[k]!) ** 2, 0)
    );
    if (distances.indexOf(Math.min(...distances)) === labels[i]) right++;
  }
  return right / half;
}

Deno.test("renderScene() hides the sign in the glance and shows it at full resolution", () => {
  // 480 scenes of seed 77; chance is 12.5 % with a standard error of 2.1 % on 240.
  const seen: Float64Array[] = [], hidden: Float64Array[] = [], labels: number[] = [];
  for (let index = 0; index < 480; index++) {
    const { image, box, label } = renderScene({ seed: 77, index, size: 128 });
    const glance = resample(image, { width: 16, height: 16, method: "area" });
    hidden.push(around(glance, Math.floor(box.x / 8) - 1, Math.floor(box.y / 8) - 1, 4));
    // What the sign is must not depend on colour or turn: centred grey, averaged over the four turns.
    seen.push(turned(around(image, box.x, box.y, 16), 16));
    labels.push(label);
  }
  const glanceShare = nearestCentroid(hidden, labels);
  const fullShare = nearestCentroid(seen, labels);
  assert(glanceShare < 0.2, `glance ${glanceShare}`);
  assert(fullShare > 0.85, `full ${fullShare}`);
});

function turned(rgb: Float64Array, side: number): Float64Array {
  const grey = Float64Array.from(
    { length: side * side },
    (_, i) => rgb[i * 3]! + rgb[i * 3 + 1]! + rgb[i * 3 + 2]!,
  );
  const mean = grey.reduce((sum, value) => sum + value, 0) / grey.length;
  return grey.map((_, i) => {
    let [x, y] = [i % side, Math.floor(i / side)];
    let sum = 0;
    for (let turn = 0; turn < 4; turn++) {
      [x, y] = [y, side - 1 - x];
      sum += grey[y * side + x]! - mean;
    }
    return sum;
  });
}

Deno.test("renderScene() keeps its signs through JPEG", async () => {
  const { image, box } = renderScene({ seed: 1, index: 2, size: 128 });
  const back = await decode(await encode(image, { type: "image/jpeg", quality: 75 }));
  const before = turned(around(image, box.x, box.y, 16), 16),
    after = turned(around(back, box.x, box.y, 16), 16);
  const dot = (a: Float64Array, b: Float64Array): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  assert(dot(before, after) / Math.sqrt(dot(before, before) * dot(after, after)) > 0.9);
});

Deno.test("sceneDataset() is balanced, and its parts share nothing", async () => {
  const train = await sceneDataset({ seed: 1, count: 64, size: 128 });
  const test = await sceneDataset({ seed: 1, count: 64, size: 128, split: "test" });
  for (const label of SCENE_CLASSES.keys()) {
    assertEquals(train.labels.filter((one) => one === label).length, 8);
  }
  assert(train.labels.join() !== test.labels.join());
  assert(train.hash !== test.hash);
  assertEquals(train.source(3), { kind: "scene", seed: 1, index: 3, size: 128, split: "train" });
  assertThrows(() => train.source(64), RangeError, "there are 64");
});
