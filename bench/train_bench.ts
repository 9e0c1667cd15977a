/**
 * How fast each engine trains, beside PyTorch on the same machine.
 *
 *     deno run -A bench/train_bench.ts [--networks a,b] [--engines a,b] [--rounds 3] [--seconds 10] [--threads N]
 *                                      [--out bench/results] [--python python3] [--json]
 *
 * Every measurement has a process of its own; engines take turns (A B C A B C), so that a machine that slows down slows all
 * of them; the slow ones (`wasm`, `webgpu`, `cpu`) take part in the first round. A step is forward, backward and momentum SGD on
 * pictures that are already there, and its loss is read. What comes out is the median over the rounds of the median over the
 * steps. It is printed and written to `train.md` and `train.json`, with how much of the processors went to other machines.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { ENGINE_NAMES } from "../train/engine/mod.ts";
import { RESULTS, type Setting, settingOf, writeResults } from "./_results.ts";
import type { Measured, Probe, Timing } from "./_train_probe.ts";
import { percent, render } from "./_train_report.ts";

/** Shapes of a network. */
interface Work {
  readonly batch: number;
  readonly tinyBatch: number;
  readonly side: number;
}

/** `mobilenet_v2-torch` differs from `mobilenet_v2` in the border only, and in nothing from the peer's. */
const NETWORKS: Readonly<Record<string, Work>> = {
  "resnet32-cifar": { batch: 128, tinyBatch: 2, side: 32 },
  resnet18: { batch: 16, tinyBatch: 1, side: 224 },
  "mobilenet_v2-torch": { batch: 16, tinyBatch: 1, side: 224 },
};
const PEERS = ["torch", "torch-channels-last"] as const;
const DEFAULT_ENGINES = ["node", "wasm", ...PEERS];
/** They need minutes a measurement, and their figures are far from the others': the first round is enough. */
const SLOW_ENGINES: readonly string[] = ["wasm", "webgpu", "cpu"];
const WARMUP_STEPS = 2;
/** A process that takes longer is stopped. */
const LIMIT_SECONDS = 900;

/** One process. */
export interface Trial extends Measured {
  readonly network: string;
  readonly engine: string;
  /** From 0. */
  readonly round: number;
  /** Load average of the machine before it started: what others did. */
  readonly load: number;
  /** Share of the processors that a hypervisor gave to other machines meanwhile, 0 to 1; 0 where none says so. */
  readonly stolen: number;
}

/** An engine that could not be measured. */
export interface Absence {
  readonly network: string;
  readonly engine: string;
  readonly missing: string;
}

/** Everything, as it is written. */
export interface Results extends Setting {
  readonly threads: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly load: { readonly before: number; readonly after: number };
  readonly trials: readonly Trial[];
  readonly absences: readonly Absence[];
}

interface Options {
  readonly networks: readonly string[];
  readonly engines: readonly string[];
  readonly rounds: number;
  readonly seconds: number;
  readonly threads: number;
  readonly out: string;
  readonly python: string | undefined;
  readonly json: boolean;
}

const text = { type: "string" } as const;

/** @throws {RangeError} If a name or number is not one of those there are. */
function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      networks: text,
      engines: text,
      rounds: text,
      seconds: text,
      threads: text,
      out: text,
      python: text,
      json: { type: "boolean" },
    },
  });
  const names = (
    flag: string,
    given: string | undefined,
    known: readonly string[],
    fallback: readonly string[],
  ) => {
    const chosen = given?.split(",") ?? fallback;
    const odd = chosen.find((name) => !known.includes(name));
    if (odd !== undefined) {
      throw new RangeError(`Cannot measure: --${flag} has "${odd}", must be of ${known.join(", ")}`);
    }
    return chosen;
  };
  const number = (flag: string, given: string | undefined, fallback: number, whole: boolean): number => {
    const value = given === undefined ? fallback : Number(given);
    if (!(value > 0 && value < 1e4) || (whole && !Number.isInteger(value))) {
      throw new RangeError(
        `Cannot measure: --${flag} is "${given}", must be a positive ${whole ? "integer" : "number"}`,
      );
    }
    return value;
  };
  return {
    networks: names("networks", values.networks, Object.keys(NETWORKS), Object.keys(NETWORKS)),
    engines: names("engines", values.engines, [...ENGINE_NAMES, ...PEERS], DEFAULT_ENGINES),
    rounds: number("rounds", values.rounds, 3, true),
    seconds: number("seconds", values.seconds, 10, false),
    threads: number("threads", values.threads, navigator.hardwareConcurrency, true),
    out: values.out ?? RESULTS,
    python: values.python,
    json: values.json ?? false,
  };
}

/** What a program printed, or why it printed nothing of use. */
async function output(
  command: string,
  args: readonly string[],
  threads = 1,
): Promise<string | { readonly missing: string }> {
  const env = { OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  try {
    const { success, code, signal, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      env,
      signal: AbortSignal.timeout(LIMIT_SECONDS * 1000),
    }).output();
    if (success) return new TextDecoder().decode(stdout);
    const said = new TextDecoder().decode(stderr).trim().split("\n").slice(-3).join(" | ");
    const how = signal === "SIGTERM"
      ? `was stopped, it may take ${LIMIT_SECONDS} s`
      : `ended with ${signal ?? code}`;
    return { missing: `its process ${how}: ${said.slice(0, 400)}` };
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

/** A Python that has PyTorch. Debian's package belongs to the system's own, which need not be the first on the path. */
async function findPython(wanted: string | undefined): Promise<string | { readonly missing: string }> {
  const candidates = wanted === undefined ? ["python3", "/usr/bin/python3"] : [wanted];
  for (const python of candidates) {
    if (typeof await output(python, ["-c", "import torch"]) === "string") return python;
  }
  return { missing: `${candidates.join(" and ")} have no PyTorch, install the package python3-torch` };
}

async function measure(
  probe: Probe,
  python: string | { readonly missing: string },
): Promise<Measured | { readonly missing: string }> {
  const here = (name: string): string => decodeURIComponent(new URL(name, import.meta.url).pathname);
  const argument = JSON.stringify(probe);
  const isPeer = (PEERS as readonly string[]).includes(probe.engine);
  if (isPeer && typeof python !== "string") return python;
  const said = isPeer
    ? await output(python as string, [here("_torch_peer.py"), argument], probe.threads)
    : await output(
      Deno.execPath(),
      ["run", "-A", "--quiet", "--unstable-webgpu", here("_train_probe.ts"), argument],
      probe.threads,
    );
  return typeof said === "string" ? JSON.parse(said) : said;
}

/** @throws {Error} If two sides did not train the same network, or one did not train. */
function check(trials: readonly Trial[]): void {
  for (const { network, engine, parameters, losses } of trials) {
    const other = trials.find((each) => each.network === network && each.parameters !== parameters);
    if (other !== undefined) {
      throw new Error(
        `Cannot compare ${network}: ${engine} has ${parameters} parameters, ${other.engine} ${other.parameters}`,
      );
    }
    if (!losses.every(Number.isFinite)) {
      throw new Error(`Cannot compare ${network}: the losses of ${engine} are ${losses.join(" to ")}`);
    }
  }
}

const loadNow = (): number => Deno.loadavg()[0]!;

/** Time of all processors since the start, and what of it went to other machines, in ticks (proc_stat(5)). */
async function ticks(): Promise<{ readonly all: number; readonly stolen: number }> {
  const text = await Deno.readTextFile("/proc/stat").catch(() => "");
  // user nice system idle iowait irq softirq steal; guests are part of the users
  const counts = text.split("\n")[0]!.split(/\s+/).slice(1, 9).map(Number);
  return { all: counts.reduce((sum, count) => sum + count, 0), stolen: counts[7] ?? 0 };
}

async function run(options: Options, say: (line: string) => void): Promise<Results> {
  const before = loadNow();
  const python = await findPython(options.python);
  const trials: Trial[] = [];
  const absences = new Map<string, Absence>();
  for (let round = 0; round < options.rounds; round++) {
    for (const network of options.networks) {
      for (const engine of options.engines) {
        const key = `${network} on ${engine}`;
        if (absences.has(key) || (round > 0 && SLOW_ENGINES.includes(engine))) continue;
        const [load, start] = [loadNow(), await ticks()];
        const { threads, seconds } = options;
        const probe = { engine, network, threads, seconds, warmup: WARMUP_STEPS, ...NETWORKS[network]! };
        const answer = await measure(probe, python);
        if ("missing" in answer) {
          absences.set(key, { network, engine, missing: answer.missing });
          say(`${key}: not measured, ${answer.missing}`);
          continue;
        }
        const end = await ticks();
        const stolen = (end.stolen - start.stolen) / Math.max(1, end.all - start.all);
        trials.push({ network, engine, round, load, stolen, ...answer });
        const rate = ({ stepMs }: Timing): string => (answer.batch / stepMs * 1000).toFixed(1);
        say(
          `${key}: ${rate(answer.train)} images/s in training, ${rate(answer.forward)} forward, ` +
            `load ${load.toFixed(1)}, ${percent(stolen)} stolen`,
        );
      }
    }
  }
  check(trials);
  return {
    ...await settingOf(),
    threads: options.threads,
    rounds: options.rounds,
    seconds: options.seconds,
    load: { before, after: loadNow() },
    trials,
    absences: [...absences.values()],
  };
}

if (import.meta.main) {
  try {
    const options = optionsOf(Deno.args);
    const results = await run(options, (line) => console.error(line));
    const page = render(results);
    await writeResults(options.out, "train", { results, page });
    console.log(options.json ? JSON.stringify(results, null, 2) : page);
  } catch (error) {
    if (error instanceof RangeError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS")) {
      console.error((error as Error).message);
      Deno.exit(2);
    }
    throw error;
  }
}
