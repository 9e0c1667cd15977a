/**
 * Trains on files, one of which goes bad after the first epoch, as a program that ends by itself or not at all:
 * `deno run -A tests/support/spoilt_run.ts DATA FOLDER METHOD [FILE]`.
 *
 * Prints the message of the error the run ends with. It never calls `Deno.exit`: workers that are left keep it alive.
 *
 * @module
 */
import { openDataset } from "../../train/data/mod.ts";
import { open } from "../../train/engine/mod.ts";
import { train } from "../../train/train.ts";
import { TINY_CLASSIFIER, TINY_RECIPE } from "./tiny_run.ts";

const [data, folder, method, file] = Deno.args as [string, string, string, string?];
const engine = await open("wasm");
const { dataset } = await openDataset(data, "train");
const say = console.error;
console.error = (...words) => {
  // The line between validation and the checkpoint after it.
  if (file !== undefined && /1\/\d validation/.test(String(words[0]))) Deno.truncateSync(file, 60);
};
try {
  const recipe = method === "classifier" ? TINY_CLASSIFIER : TINY_RECIPE;
  const trained = await train({
    recipe,
    data: dataset,
    folder,
    progress: "silent",
    logEvery: 1,
    saveEvery: 1,
  });
  trained[Symbol.dispose]();
} catch (error) {
  console.log((error as Error).message);
} finally {
  console.error = say;
  engine.close();
}
