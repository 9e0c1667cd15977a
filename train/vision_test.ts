import { assert, assertAlmostEquals, assertEquals } from "@std/assert/mod.js";
import { type Grid, patchBox, patchSide } from "../core/geometry/mod.ts";
import { type Graph, GraphBuilder } from "../core/graph/mod.ts";
import { crop } from "../core/geometry/mod.ts";
import { type Raster, raster } from "../core/image/mod.ts";
import {
  canvasReading,
  glanceOf,
  normalizationTable,
  patchReading,
  type Reading,
  type Run,
  toInput,
} from "../core/policy/mod.ts";
import { stream } from "../core/random.ts";
import { Learner } from "./engine/learner.ts";
import { open, read, tf } from "./engine/mod.ts";
import { glancesOf } from "./glance.ts";
import { fuse } from "./measure.ts";
import { type Frames, visionOf } from "./vision.ts";

const NORMALIZATION = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] } as const;
const TABLE = normalizationTable(NORMALIZATION);
const FRAMES = 3;

function network(input: string, side: number): Graph {
  const b = new GraphBuilder(input);
  const x = b.conv("conv", b.input(input, [side, side, 3]), { filters: 4, kernel: 3, pad: 1, stride: 2 });
  b.output(
    "logits",
    b.dense("fc", b.unary("globalMaxPool", b.unary("relu", b.batchNorm("bn", x))), { units: 5 }),
  );
  return b.build();
}

function noise(side: number, random: () => number): Raster {
  return raster(side, side, Uint8Array.from({ length: side * side * 3 }, () => 256 * random()));
}

function frames(pictures: readonly Raster[]): Frames {
  const { data, shape } = toInput(pictures, TABLE);
  return { images: data, shape: shape as [number, number, number, number] };
}

/** What the episode's own reading makes of the cells that are on. */
async function asServed(
  reading: Reading,
  run: Run,
  x: { readonly grid: Grid; readonly picture: Raster; readonly actions: Float32Array },
): Promise<Float32Array> {
  const cells = [...x.actions.keys()].filter((k) => x.actions[k] === 1);
  const seen = cells.map((id) => ({ id, pixels: crop(x.picture, patchBox(x.grid, id)) }));
  const memory = await reading.absorb(run, reading.nothing, [], seen);
  return await reading.logits(run, memory, cells);
}

for (
  const [name, grid] of [
    ["canvas", { rows: 2, columns: 2, cell: 6, halo: 0 }],
    ["patches", { rows: 3, columns: 3, cell: 4, halo: 2 }],
  ] as const
) {
  Deno.test(`visionOf() reads what the episode reads, frame by frame and action by action: ${name}`, async () => {
    const engine = await open("cpu");
    const side = name === "canvas" ? 12 : patchSide(grid);
    const learner = Learner.fresh(network(name === "canvas" ? "image" : "patch", side), 4);
    const run: Run = async (_network, inputs) => {
      const [[input, x]] = Object.entries(inputs) as [[string, typeof inputs[string]]];
      const logits = tf.tidy(() => learner.predict({ [input]: tf.tensor(x.data, [...x.shape]) })["logits"]!);
      const data = await read(logits);
      const result = { logits: { shape: logits.shape, data } };
      logits.dispose();
      return result;
    };
    const random = stream(8, name);
    const pictures = Array.from({ length: FRAMES }, () => noise(12, random));
    const cells = grid.rows * grid.columns;
    // Two actions a frame: the batch repeats.
    const actions = Float32Array.from({ length: 2 * FRAMES * cells }, () => random() < 0.5 ? 1 : 0);
    actions.fill(0, 0, cells); // nothing at all is an action too
    const vision = visionOf(name, grid, learner);
    const logits = tf.tidy(() => vision.logits(frames(pictures), actions));
    assertEquals(logits.shape, [2 * FRAMES, 5]);
    const found = await read(logits);
    logits.dispose();
    const reading = name === "canvas" ? canvasReading(grid, TABLE) : patchReading(5, TABLE);
    for (let row = 0; row < 2 * FRAMES; row++) {
      const wanted = await asServed(reading, run, {
        grid,
        picture: pictures[row % FRAMES]!,
        actions: actions.subarray(row * cells, (row + 1) * cells),
      });
      wanted.forEach((value, c) => assertAlmostEquals(found[5 * row + c]!, value, 1e-5, `row ${row}`));
    }
    learner.dispose();
    engine.close();
  });
}

Deno.test("glancesOf() are the glances a client sends, but for the rounding to bytes", async () => {
  const engine = await open("cpu");
  const random = stream(9, "glances");
  const pictures = Array.from({ length: FRAMES }, () => noise(16, random));
  for (const resample of ["nearest", "area", "bilinear"] as const) {
    const made = glancesOf(frames(pictures), { side: 4, resample });
    const found = await read(made);
    made.dispose();
    const sent = pictures.map((picture) =>
      glanceOf(picture, {
        frame: { width: 16, height: 16 },
        glance: { width: 4, height: 4, resample },
        fit: "cover",
      })
    );
    const { data } = toInput(sent, TABLE);
    const half = 0.5001 / 255 / 0.2; // half a byte, in the units of the smallest deviation
    const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0);
    assert(worst <= (resample === "nearest" ? 1e-6 : half), `${resample}: ${worst}`);
  }
  engine.close();
});

Deno.test("fuse() is the fusion of the episode", () => {
  const [patches, glance] = [Float32Array.of(4, 0), Float32Array.of(0, 8)];
  assertEquals([...fuse(patches, glance, 0.25, "none")], [4, 0]);
  assertEquals([...fuse(patches, glance, 0.25, "sum")], [4, 8]);
  assertEquals([...fuse(patches, glance, 0.25, "weighted")], [1, 6]);
  assertEquals([...fuse(patches, glance, 0, "none")], [0, 8]); // nothing was looked at: the glance alone
  assertEquals([...fuse(patches, undefined, 0, "sum")], [4, 0]);
});
