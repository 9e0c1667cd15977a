/**
 * The tiny run as a program that is killed (SIGKILL) at a chosen call to the file system while it writes a checkpoint:
 * `deno run -A tests/support/dying_run.ts FOLDER CALL NUMBER`, where the call is
 *
 * - `write`: half of the bytes are in the temporary file
 * - `rename`: the temporary file is whole and has not got its name
 * - `renamed`: it just got its name
 *
 * and the number counts these calls for files of checkpoints, from 1: arrays 1, JSON 1, arrays 2, ...
 *
 * @module
 */
const [folder, call, number] = Deno.args as [string, string, string];
let left = Number(number);

function due(kind: string): boolean {
  return kind === call && --left === 0;
}

function die(): Promise<never> {
  Deno.kill(Deno.pid, "SIGKILL");
  return new Promise(() => {});
}

const { open, rename } = Deno;
Deno.open = async (path, options) => {
  const file = await open(path, options);
  if (/\/\.writing-checkpoint-[^/]*$/.test(String(path)) && due("write")) {
    file.write = (bytes) => {
      file.writeSync(bytes.subarray(0, bytes.length / 2));
      return die();
    };
  }
  return file;
};
Deno.rename = async (from, to) => {
  const ours = /\/checkpoint-[^/]*$/.test(String(to));
  if (ours && due("rename")) await die();
  await rename(from, to);
  if (ours && due("renamed")) await die();
};

// Only now: modules that are loaded earlier would hold the calls as they were.
const { tinyRun } = await import("./tiny_run.ts");
await tinyRun(folder);
console.error(`there were fewer calls of "${call}" than ${number}`);
Deno.exit(3);
