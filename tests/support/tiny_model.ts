/**
 * A model small enough to be worked by hand, for tests: four cells of 4 px, three classes, networks in closed form.
 *
 * The class of a picture is written in the red channel of its darkest quarter in the glance's green; the policy likes cells the
 * more, the greener they are; the classifier adds up red evidence of what it can see.
 *
 * @module
 */
import { type Manifest, parseManifest } from "../../core/bundle/mod.ts";
import type { Run } from "../../core/policy/mod.ts";
import { stream } from "../../core/random.ts";
import { pick, tensor } from "../../core/tensor.ts";
import type { Dataset } from "../../train/data/mod.ts";

const FILE = "0".repeat(64);

function entry(input: string, shape: number[], outputs: number, macs: number): Manifest["networks"][string] {
  return {
    file: "x.onnx",
    sha256: FILE,
    bytes: 1,
    inputs: [{ name: input, shape }],
    outputs: [{ name: "logits", shape: [-1, outputs] }],
    macs,
    parameters: 1,
  };
}

/** The manifest; `patch` replaces parts of it. */
export function tinyManifest(patch: Partial<Manifest> = {}): Manifest {
  return parseManifest({
    format: "saccade-bundle",
    formatVersion: "1.0",
    id: "tiny",
    version: 1,
    title: "Tiny",
    method: {
      name: "patchdrop",
      grid: { rows: 2, columns: 2, cell: 4, halo: 0 },
      reading: "canvas",
      fusion: "none",
      glanceNetwork: false,
    },
    networks: {
      policy: entry("glance", [-1, 2, 2, 3], 4, 10),
      classifier: entry("image", [-1, 8, 8, 3], 3, 100),
      glance: entry("glance", [-1, 2, 2, 3], 3, 1),
    },
    frame: { width: 8, height: 8 },
    glance: { width: 2, height: 2, resample: "area" },
    fit: "stretch",
    normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
    transfer: { glance: { type: "image/png" }, patch: { type: "image/png" } },
    classes: ["a", "b", "c"],
    temperature: 1,
    operatingPoints: [
      {
        name: "usual",
        levels: [0.5],
        split: "none",
        images: 0,
        accuracy: 0,
        patches: 0,
        bytes: 0,
        macs: 0,
      },
    ],
    fixedOrder: [0, 1, 2, 3],
    golden: { file: "golden.safetensors", sha256: FILE },
    provenance: {
      options: {},
      seed: 0,
      data: "made up",
      dataHash: "",
      commit: "",
      engine: "",
      created: "",
    },
    license: "MIT",
    sources: [],
    ...patch,
  });
}

/**
 * Pictures of four flat cells. Green says how much the policy likes a cell; red carries evidence for class
 * `round(red / 85)` (1 to 3, 0 is none), worth more the bluer the cell is.
 */
export function tinyDataset(images: number, seed = 1): Dataset {
  const random = stream(seed, "tiny");
  const data = new Uint8Array(images * 8 * 8 * 3);
  const labels = new Int32Array(images);
  for (let n = 0; n < images; n++) {
    const label = labels[n] = Math.floor(random() * 3);
    for (let cell = 0; cell < 4; cell++) {
      const told = random();
      const red = told < 0.5 ? 85 * (label + 1) : told < 0.75 ? 85 * (1 + Math.floor(random() * 3)) : 0;
      const [green, blue] = [Math.floor(random() * 256), Math.floor(random() * 256)];
      for (let p = 0; p < 16; p++) {
        const x = (cell % 2) * 4 + p % 4;
        const y = Math.floor(cell / 2) * 4 + Math.floor(p / 4);
        data.set([red, green, blue], ((n * 8 + y) * 8 + x) * 3);
      }
    }
  }
  const packed = { width: 8, height: 8, data, rows: Int32Array.from({ length: images }, (_, i) => i) };
  return {
    name: "tiny/test",
    classes: ["a", "b", "c"],
    length: images,
    hash: "tiny",
    labels,
    packed,
    source: () => {
      throw new Error("packed");
    },
    where: (i) => `picture ${i}`,
  };
}

/** The networks in closed form; pixels arrive as `value / 255`. */
export const tinyRun: Run = (network, inputs) => {
  const x = pick(inputs, network === "classifier" ? "image" : "glance");
  const [images, side] = x.shape as [number, number];
  const out = new Float32Array(images * (network === "policy" ? 4 : 3));
  for (let n = 0; n < images; n++) {
    for (let cell = 0; cell < 4; cell++) {
      const scale = side / 2;
      const at = ((n * side + Math.floor(cell / 2) * scale) * side + (cell % 2) * scale) * 3;
      const [red, green, blue] = x.data.subarray(at, at + 3);
      if (network === "policy") out[n * 4 + cell] = 8 * (green! - 0.5);
      else if (red! > 0.1) out[n * 3 + Math.round(red! * 3) - 1]! += 0.5 + 3 * blue!;
    }
  }
  return Promise.resolve({ logits: tensor([images, network === "policy" ? 4 : 3], out) });
};
