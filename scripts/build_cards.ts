/**
 * Writes `CARD.md` of every bundle that ships, from its manifest, from what `models/cards/<id>.json` says for people, and from the
 * evaluations kept beside it (`evaluation*.json`, as `saccade evaluate --out` writes them); with `--check` it only compares.
 *
 * @module
 */
import { type CardFacts, renderCard } from "../train/card.ts";
import type { EvaluationReport } from "../train/evaluate/mod.ts";
import { readJson, writeAtomic } from "../train/files.ts";
import { shipped } from "./build_model_docs.ts";

const FACTS = "models/cards";

/** Evaluations kept in a bundle's folder, in order of their names. */
async function reportsOf(folder: string): Promise<EvaluationReport[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (/^evaluation.*\.json$/.test(name)) names.push(name);
  const reports: EvaluationReport[] = [];
  for (const name of names.sort()) reports.push(await readJson(`${folder}/${name}`) as EvaluationReport);
  return reports;
}

async function factsOf(id: string): Promise<CardFacts> {
  try {
    return await readJson(`${FACTS}/${id}.json`) as CardFacts;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

if (import.meta.main) {
  const check = Deno.args.includes("--check");
  let stale = 0;
  for (const { manifest, folder } of await shipped(".")) {
    const card = renderCard(manifest, { ...await factsOf(manifest.id), reports: await reportsOf(folder) });
    const path = `${folder}/CARD.md`;
    if (!check) await writeAtomic(path, card);
    else if (await Deno.readTextFile(path) !== card) {
      console.error(`${path} is not what scripts/build_cards.ts writes`);
      stale += 1;
    }
  }
  if (stale > 0) Deno.exit(1);
}
