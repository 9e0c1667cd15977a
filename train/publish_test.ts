import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert/mod.js";
import { checkGolden, decodeGolden, methodOf, readBundle } from "../core/bundle/mod.ts";
import { GraphBuilder, initialize, type Network } from "../core/graph/mod.ts";
import type { Run } from "../core/policy/mod.ts";
import { stream } from "../core/random.ts";
import { pick, tensor } from "../core/tensor.ts";
import { inFolder, namesIn } from "../tests/support/folder.ts";
import { evaluate } from "./evaluate/mod.ts";
import { tinyDataset, tinyManifest, tinyRun } from "../tests/support/tiny_model.ts";
import { DISK, type Files } from "./files.ts";
import {
  exportNetwork,
  type ManifestDraft,
  parityGate,
  publishBundle,
  type PublishOptions,
} from "./publish.ts";

function network(input: string, side: number, units: number): Network {
  const b = new GraphBuilder(input);
  const x = b.input(input, [side, side, 3]);
  const features = b.unary("relu", b.batchNorm("bn", b.conv("conv", x, { filters: 4, kernel: 3, pad: 1 })));
  b.output("logits", b.dense("fc", b.unary("globalAveragePool", features), { units }));
  const graph = b.build();
  return { graph, weights: initialize(graph, (id) => stream(1, id)) };
}

function optionsFor(root: string, patch: Partial<PublishOptions> = {}): PublishOptions {
  const { format: _, formatVersion: __, networks: ___, golden: ____, version: _____, ...draft } =
    tinyManifest();
  const manifest: ManifestDraft = draft;
  return {
    root,
    manifest,
    networks: new Map([
      ["policy", exportNetwork(network("glance", 2, 4))],
      ["classifier", exportNetwork(network("image", 8, 3))],
    ]),
    golden: [{
      network: "policy",
      inputs: { glance: tensor([1, 2, 2, 3]) },
      outputs: { logits: tensor([1, 4], Float32Array.of(1, 2, 3, 4)) },
    }],
    ...patch,
  };
}

Deno.test("publishBundle() writes a bundle that can be read, used and served", async () => {
  await inFolder(async (root) => {
    const { folder, manifest } = await publishBundle(optionsFor(root));
    assertEquals(folder, `${root}/tiny/1`);
    assertEquals(namesIn(folder), [
      "CARD.md",
      "classifier.onnx",
      "golden.safetensors",
      "manifest.json",
      "policy.onnx",
    ]);
    const bundle = await readBundle((file) => Deno.readFile(`${folder}/${file}`));
    assertEquals(bundle.manifest, manifest);
    assertEquals(manifest.networks["policy"]!.outputs, [{ name: "logits", shape: [-1, 4] }]);
    methodOf(bundle.manifest);
    assertEquals([...pick(decodeGolden(bundle.golden)[0]!.outputs, "logits").data], [1, 2, 3, 4]);
  });
});

Deno.test("publishBundle() numbers versions and never touches one that exists", async () => {
  await inFolder(async (root) => {
    await publishBundle(optionsFor(root));
    const second = await publishBundle(optionsFor(root));
    assertEquals(second.manifest.version, 2);
    const again = optionsFor(root);
    await assertRejects(
      () => publishBundle({ ...again, manifest: { ...again.manifest, version: 2 } }),
      Deno.errors.AlreadyExists,
      "never changed",
    );
    assertEquals(namesIn(`${root}/tiny`), ["1", "2"]);
  });
});

Deno.test("publishBundle() leaves nothing behind when the disk fills up", async () => {
  await inFolder(async (root) => {
    for (let failing = 1; failing <= 5; failing++) {
      let calls = 0;
      const files: Files = {
        ...DISK,
        write: (path, bytes) =>
          ++calls === failing
            ? Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }))
            : DISK.write(path, bytes),
      };
      await assertRejects(() => publishBundle(optionsFor(root, { files })), Error, "disk is full");
      assertEquals(namesIn(`${root}/tiny`), []);
    }
  });
});

Deno.test("publishBundle() refuses a manifest that does not fit its networks", async () => {
  await inFolder(async (root) => {
    const options = optionsFor(root, {
      networks: new Map([["policy", exportNetwork(network("glance", 2, 4))]]),
    });
    await assertRejects(() => publishBundle(options), SyntaxError, '"classifier" is missing');
  });
});

Deno.test("renderCard() says what was measured, baselines and all", async () => {
  await inFolder(async (root) => {
    const report = await evaluate({ manifest: tinyManifest(), run: tinyRun, dataset: tinyDataset(20) });
    const { folder } = await publishBundle(
      optionsFor(root, { card: { reports: [report], limitations: ["Sees only flat cells."] } }),
    );
    const card = await Deno.readTextFile(`${folder}/CARD.md`);
    assertStringIncludes(card, "best fixed set");
    assertStringIncludes(card, `${(100 * report.accuracy).toFixed(2)} %`);
    assertStringIncludes(card, "Sees only flat cells.");
    assertStringIncludes(card, "not measured");
  });
});

const INPUTS = new Map([["policy", { glance: tensor([6, 1], Float32Array.of(1, 2, 3, 4, 5, 6)) }]]);
const scaled = (factor: number): Run => (_, inputs) => {
  const { shape, data } = pick(inputs, "glance");
  return Promise.resolve({ logits: { shape, data: data.map((value) => value * factor) } });
};

Deno.test("parityGate() keeps the first rows as golden arrays", async () => {
  const { errors, golden } = await parityGate({
    reference: scaled(2),
    candidate: scaled(2.00001),
    inputs: INPUTS,
    golden: 2,
  });
  assert(errors.get("policy")! > 0 && errors.get("policy")! < 1e-4);
  assertEquals([...pick(golden[0]!.outputs, "logits").data], [2, 4]);
  await checkGolden(golden, scaled(2));
  await assertRejects(() => checkGolden(golden, scaled(2.1)), RangeError, "policy");
});

Deno.test("parityGate() lets no network through that answers otherwise", async () => {
  const gate = (candidate: Run): Promise<unknown> =>
    parityGate({ reference: scaled(1), candidate, inputs: INPUTS });
  await assertRejects(() => gate(scaled(1.001)), RangeError, "differs");
  await assertRejects(() => gate(scaled(NaN)), RangeError, "differs");
});

Deno.test("decodeGolden() refuses what is no golden array", () => {
  assertThrows(() => decodeGolden(new Uint8Array(3)), SyntaxError);
});
