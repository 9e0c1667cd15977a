import { assert, assertEquals, assertStringIncludes } from "@std/assert/mod.js";
import { encode, raster } from "../core/image/mod.ts";
import { initialize } from "../core/graph/mod.ts";
import { stream } from "../core/random.ts";
import { encodeSafetensors, toTorch } from "../core/weights/mod.ts";
import { modelOf } from "../models/mod.ts";
import { IMAGENET_NORMALIZATION } from "../train/data/mod.ts";
import { type Ran, saccade } from "../tests/support/command.ts";
import { inFolder } from "../tests/support/folder.ts";
import { TINY_CLASSES, tinyFiles } from "../tests/support/tiny_bundle.ts";

/** The only thing on standard output, as JSON. */
function documentOf({ code, out, err }: Ran): Record<string, unknown> {
  assertEquals(code, 0, err);
  return JSON.parse(out);
}

/** A repository with one bundle of random weights and class folders of ten pictures. */
async function withModel(test: (x: { repository: string; data: string }) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/repository/tiny/1`, { recursive: true });
    for (const [file, bytes] of await tinyFiles()) {
      await Deno.writeFile(`${folder}/repository/tiny/1/${file}`, bytes);
    }
    const random = stream(1, "pictures");
    for (const name of TINY_CLASSES) {
      await Deno.mkdir(`${folder}/data/train/${name}`, { recursive: true });
      await Deno.mkdir(`${folder}/data/test/${name}`, { recursive: true });
      for (const i of [0, 1]) {
        const one = raster(40, 36);
        one.data.forEach((_, at) => one.data[at] = 256 * random());
        await Deno.writeFile(
          `${folder}/data/test/${name}/${i}.png`,
          await encode(one, { type: "image/png" }),
        );
      }
    }
    await test({ repository: `${folder}/repository`, data: `${folder}/data` });
  });
}

Deno.test("saccade evaluate --model prints exactly the agreed document", async () => {
  await withModel(async ({ repository, data }) => {
    const out = `${repository}/../out`;
    const options = [
      "--data",
      data,
      "--repository",
      repository,
      "--runtime",
      "web",
      "--out",
      out,
      "--curve",
      "4",
    ];
    const found = documentOf(await saccade("evaluate", "--model", "tiny", ...options, "--json"));
    assertEquals(Object.keys(found), ["images", "accuracy", "patches", "bytes", "macs", "baselines"]);
    assertEquals(found["images"], 10);
    assertEquals(Object.keys(found["patches"] as object), ["mean", "std", "distinct"]);
    assertEquals(typeof found["bytes"], "number");
    assertEquals(typeof found["macs"], "number");
    const baselines = found["baselines"] as Record<string, Record<string, number>>;
    assertEquals(Object.keys(baselines), ["glance", "full", "random", "center", "fixed"]);
    for (const one of Object.values(baselines)) assertEquals(Object.keys(one), ["accuracy", "patches"]);
    assertEquals(baselines["full"]!["patches"], 16);
    const files = [...Deno.readDirSync(out)].map(({ name }) => name).sort();
    assertEquals(files, ["curve.svg", "evaluate.json", "report.html"]);
  });
});

Deno.test("saccade evaluate --network gives the same accuracy on a runtime and on an engine", async () => {
  await inFolder(async (folder) => {
    const graph = modelOf("resnet8-cifar").build();
    const weights = initialize(graph, (id) => stream(2, id));
    await Deno.writeFile(`${folder}/weights.safetensors`, encodeSafetensors(toTorch(graph, weights)));
    const random = stream(3, "cifar");
    const records = Uint8Array.from(
      { length: 30 * 3073 },
      (_, i) => i % 3073 === 0 ? Math.floor(10 * random()) : 256 * random(),
    );
    await Deno.writeFile(`${folder}/test_batch.bin`, records);
    const options = [
      "--network",
      "resnet8-cifar",
      "--weights",
      `${folder}/weights.safetensors`,
      "--data",
      folder,
    ];
    const tail = ["--split", "test", "--images", "25", "--batch", "10", "--json"];
    const onRuntime = documentOf(await saccade("evaluate", ...options, "--runtime", "web", ...tail));
    assertEquals(Object.keys(onRuntime), ["images", "accuracy"]);
    assertEquals(onRuntime["images"], 25);
    assertEquals(documentOf(await saccade("evaluate", ...options, "--engine", "cpu", ...tail)), onRuntime);
  });
});

Deno.test("saccade train of a classifier ends with weights that evaluate reads, and that export refuses", async () => {
  await inFolder(async (folder) => {
    const random = stream(2, "pictures");
    for (const part of ["train", "test"]) {
      for (const [name, level] of [["dark", 60], ["light", 190]] as const) {
        await Deno.mkdir(`${folder}/data/${part}/${name}`, { recursive: true });
        for (let i = 0; i < 8; i++) {
          const one = raster(32, 32);
          one.data.forEach((_, at) => one.data[at] = level + 60 * random());
          const bytes = await encode(one, { type: "image/png" });
          await Deno.writeFile(`${folder}/data/${part}/${name}/${i}.png`, bytes);
        }
      }
    }
    const recipe = {
      method: "classifier",
      id: "tones",
      title: "Dark or light",
      seed: 1,
      network: "resnet8-cifar",
      normalization: IMAGENET_NORMALIZATION,
      augmentation: { kind: "flip" },
      validation: 4,
      options: {
        epochs: 10,
        batchSize: 4,
        update: { optimizer: { kind: "adam" }, schedule: { kind: "cosine", base: 0.003 } },
      },
    };
    await Deno.writeTextFile(`${folder}/recipe.json`, JSON.stringify(recipe));
    const [data, run] = [`${folder}/data`, `${folder}/run`];
    const engine = ["--engine", "wasm"];
    const from = ["--recipe", `${folder}/recipe.json`];
    const trained = documentOf(
      await saccade("train", ...from, "--data", data, "--run", run, ...engine, "--json"),
    );
    assertEquals(trained, { run, recipe: "tones", validation: 4 });
    const weights = ["--weights", `${run}/network.safetensors`];
    const found = documentOf(
      await saccade(
        "evaluate",
        "--network",
        "resnet8-cifar",
        ...weights,
        "--data",
        data,
        ...engine,
        "--json",
      ),
    );
    assertEquals(found, { images: 16, accuracy: 1 });
    const refused = await saccade("export", "--run", run);
    assertEquals(refused.code, 2);
    assertStringIncludes(refused.err, "saccade evaluate --network resnet8-cifar --weights");
    const other = `${folder}/other`;
    const unfit = await saccade(
      "train",
      ...["--preset", "cifar10"],
      ...weights,
      ...["--data", data, "--run", other],
      ...engine,
    );
    assertEquals(unfit.code, 2);
    assertStringIncludes(unfit.err, "it does not hold a resnet32-cifar of 2 classes");
    const nameless = { ...recipe, method: undefined };
    await Deno.writeTextFile(`${run}/run.json`, JSON.stringify({ recipe: nameless }));
    const old = await saccade("export", "--run", run);
    assertEquals(old.code, 2);
    assertStringIncludes(old.err, "names no method, must be one of");
  });
});

Deno.test("saccade inspect tells networks, bundles, files of weights and ONNX apart", async () => {
  await withModel(async ({ repository }) => {
    const wanted = ["inputs", "outputs", "parameters", "macs", "ops"];
    const network = documentOf(await saccade("inspect", "resnet20-cifar", "--json"));
    assertEquals(network["inputs"], [{ name: "image", shape: [-1, 32, 32, 3] }]);
    // 9 * (3*16*32^2 + 6*16*16*32^2 + (16*32 + 5*32*32)*16^2 + (32*64 + 5*64*64)*8^2) + 64*10
    assertEquals(network["macs"], 40_551_040);
    for (
      const [target, kind] of [
        [`${repository}/tiny/1`, "bundle"],
        [`${repository}/tiny/1/policy.onnx`, "onnx"],
        [`${repository}/tiny/1/golden.safetensors`, "weights"],
      ] as const
    ) {
      const found = documentOf(await saccade("inspect", target, "--json"));
      assertEquals(found["kind"], kind);
      for (const key of wanted) assert(key in found, `${kind} lacks ${key}`);
    }
  });
});

Deno.test("saccade classify answers for every file and draws what it sent", async () => {
  await withModel(async ({ repository, data }) => {
    const [one, two] = [`${data}/test/apple/0.png`, `${data}/test/boat/1.png`];
    const found = documentOf(
      await saccade(
        "classify",
        one,
        two,
        "--model",
        "tiny",
        "--repository",
        repository,
        "--annotate",
        data,
        "--json",
      ),
    );
    const pictures = found["pictures"] as Record<string, unknown>[];
    assertEquals(pictures.map(({ file }) => file), [one, two]);
    for (const picture of pictures) {
      assert(TINY_CLASSES.includes(picture["label"] as string));
      assertEquals(picture["patchesTotal"], 16);
    }
    assert((await Deno.stat(`${data}/0.saccade.png`)).size > 100);
  });
});

Deno.test("saccade ends with 2 when asked wrongly, 3 when a part is missing, 1 when it fails", async () => {
  const both = await saccade("evaluate", "--model", "a", "--network", "b", "--data", "scenes", "--json");
  assertEquals(both.code, 2);
  assertStringIncludes(JSON.parse(both.out)["error"], "one of --model and --network");
  assertEquals((await saccade("evaluate", "--images", "none", "--data", "scenes")).code, 2);
  assertEquals((await saccade("nonsense")).code, 2);
  const missing = await saccade(
    "evaluate",
    "--model",
    "nobody",
    "--repository",
    "/nowhere",
    "--data",
    "scenes:count=1",
  );
  assertEquals(missing.code, 3);
  assertEquals(missing.out, "");
  const broken = await saccade("inspect", "deno.json", "--json");
  assertEquals(broken.code, 1);
});

Deno.test("saccade --help names every command, and every command has examples", async () => {
  const { out, code } = await saccade("--help");
  assertEquals(code, 0);
  for (const name of ["doctor", "train", "evaluate", "export", "inspect", "serve", "classify"]) {
    assertStringIncludes(out, name);
  }
  const { program } = await import("./saccade.ts");
  for (const each of program().commands) {
    let text = "";
    each.configureOutput({ writeOut: (part) => text += part });
    each.outputHelp();
    assertStringIncludes(text, "Examples:", each.name());
    assertStringIncludes(text, "--json", each.name());
  }
});

Deno.test("saccade serve prints its address first and ends on a signal", async () => {
  await withModel(async ({ repository }) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "scripts/saccade.ts",
        "serve",
        "--port",
        "0",
        "--repository",
        repository,
      ],
      cwd: new URL("..", import.meta.url).pathname,
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) text += (await lines.read()).value ?? "\n";
    const [address] = text.split("\n");
    const answer = await (await fetch(`${address}/v1/models`)).json();
    assertEquals(answer.models[0].model, "tiny");
    child.kill("SIGTERM");
    await lines.cancel();
    assertEquals((await child.status).code, 0);
  });
});
