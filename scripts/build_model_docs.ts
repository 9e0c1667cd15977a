/**
 * Writes `docs/models` from the cards of the networks and the manifests of the bundles, and the table of bundles in `README.md`;
 * with `--check` it only compares.
 *
 * @module
 */
import { type Manifest, parseManifest } from "../core/bundle/mod.ts";
import { costOf, parameterCount, shapeText } from "../core/graph/mod.ts";
import { type Card, type Model, MODELS } from "../models/mod.ts";
import { readJson, writeAtomic } from "../train/files.ts";

/** Where bundles are, from the root. */
const REPOSITORY = "models/repository";
/** Where the pages go, from the root. */
const PAGES = "docs/models";
const README = "README.md";
const NOTE = "Written by `scripts/build_model_docs.ts`; do not edit.";

/** A bundle that ships. */
export interface Shipped {
  /** Its manifest. */
  readonly manifest: Manifest;
  /** Folder from the root. */
  readonly folder: string;
}

/** The highest version of every bundle in a repository, by id. */
export async function shipped(root: string): Promise<Shipped[]> {
  const found: Shipped[] = [];
  for (const id of await folders(`${root}/${REPOSITORY}`)) {
    const versions = (await folders(`${root}/${REPOSITORY}/${id}`))
      .filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
    if (versions.length === 0) continue;
    const folder = `${REPOSITORY}/${id}/${Math.max(...versions)}`;
    found.push({ folder, manifest: parseManifest(await readJson(`${root}/${folder}/manifest.json`)) });
  }
  return found;
}

async function folders(path: string): Promise<string[]> {
  try {
    const names = [];
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory && !name.startsWith(".")) names.push(name);
    }
    return names.sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** A number as people read it: three digits and a unit of thousands. */
export function short(value: number): string {
  const [unit, size] = value >= 1e9 ? ["G", 1e9] : value >= 1e6 ? ["M", 1e6] : ["k", 1e3];
  return value < 1000
    ? String(Math.round(value))
    : `${Number((value / Number(size)).toPrecision(3))} ${unit}`;
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...body.map(row)].join("\n");
}

/**
 * The table of bundles, one row per operating point.
 *
 * @param up Path from the page to the root, such as `../../`.
 */
export function bundleTable(bundles: readonly Shipped[], up: string): string {
  if (bundles.length === 0) return "No bundle is shipped yet.";
  const rows = bundles.flatMap(({ manifest, folder }) => {
    const { rows, columns } = manifest.method.grid;
    return manifest.operatingPoints.map((point, i) => [
      i === 0 ? `[\`${manifest.id}\`](${up}${folder}/CARD.md) ${manifest.version}` : "",
      `\`${point.name}\``,
      ...(point.images === 0 ? ["not measured", "", "", "", ""] : [
        `${point.split}, ${point.images}`,
        `${(100 * point.accuracy).toFixed(2)} %`,
        `${point.patches.toFixed(2)} of ${rows * columns}`,
        short(point.bytes),
        short(point.macs),
      ]),
    ]);
  });
  return table(
    ["bundle", "operating point", "measured on, pictures", "accuracy", "patches", "bytes", "MACs"],
    rows,
  );
}

function networkTable(models: readonly (readonly [string, Model])[]): string {
  return table(
    ["network", "input", "parameters", "MACs"],
    models.map(([name, { build }]) => {
      const graph = build();
      const inputs = graph.inputs.map(({ id, shape }) => `\`${id}\` ${shapeText(shape)}`).join(", ");
      return [`\`${name}\``, inputs, short(parameterCount(graph)), short(costOf(graph).macs)];
    }),
  );
}

/** The page of a family. */
export function familyPage(card: Card, models: readonly (readonly [string, Model])[]): string {
  const { preprocessing: { side, resize, range, mean, std }, weights } = card;
  const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join("\n");
  return [
    `# ${card.family}`,
    NOTE,
    `Published in ${card.paper.replace(/https:\S+/, "<$&>")}.`,
    ...(card.departures.length === 0 ? [] : [`Departures:\n\n${list(card.departures)}`]),
    networkTable(models),
    "MACs are multiply-accumulates of convolutions and matrix products for one picture.",
    "## Preprocessing",
    list([
      `side ${side} px, resize: ${resize}`,
      `range: ${range}`,
      `mean ${mean.join(", ")}; standard deviation ${std.join(", ")} (red, green, blue)`,
    ]),
    "## Weights",
    weights === null
      ? "None are imported; weights in torchvision's layout fit."
      : list([weights.source, `licence: ${weights.license}`, `reference: ${weights.reference}`]),
  ].join("\n\n") + "\n";
}

/** Every generated page by its path from the root. */
export function pages(bundles: readonly Shipped[]): Map<string, string> {
  const families = Map.groupBy(Object.entries(MODELS), ([, { card }]) => card);
  const made = new Map<string, string>();
  for (const [card, models] of families) {
    made.set(`${PAGES}/${card.family}.md`, familyPage(card, models));
  }
  const links = [...families.keys()].map(({ family }) => `[${family}](${family}.md)`).join(", ");
  const index = [
    "# Models",
    NOTE,
    `Families: ${links}.`,
    networkTable(Object.entries(MODELS)),
    "## Bundles",
    bundleTable(bundles, "../../"),
    "Each links to its card: what it is sent, how it was made, what it reaches beside its baselines, where it fails.",
  ];
  made.set(`${PAGES}/README.md`, index.join("\n\n") + "\n");
  return made;
}

/** A text with what is between `<!-- name -->` and `<!-- /name -->` replaced. */
export function between(text: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) {
    throw new SyntaxError(`Cannot fill "${name}": there is no "${open}" with "${close}" after it`);
  }
  return `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** Every generated file by its path from the root, as Deno formats it. */
async function generate(root: string): Promise<Map<string, string>> {
  const bundles = await shipped(root);
  const made = pages(bundles);
  const readme = await Deno.readTextFile(`${root}/${README}`);
  made.set(README, between(readme, "models", bundleTable(bundles, "")));
  for (const [path, text] of made) made.set(path, await formatted(text));
  return made;
}

/** Markdown as `deno fmt` leaves it, so that the formatter and this program never disagree. */
async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("Cannot format a generated page: deno fmt failed");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  const made = await generate(".");
  let stale = 0;
  for (const [path, text] of made) {
    if (await Deno.readTextFile(path).catch(() => undefined) === text) continue;
    stale += 1;
    if (check) console.error(`${path}: is not what the cards and manifests give, run without --check`);
    else {
      await Deno.mkdir(PAGES, { recursive: true });
      await writeAtomic(path, text);
    }
  }
  console.error(`model docs: ${made.size} files, ${stale} ${check ? "findings" : "written"}`);
  if (check && stale > 0) Deno.exit(1);
}
