/**
 * Says what this machine can train and serve with, and why the rest does not run.
 *
 * Every engine and runtime is opened for real, in a process of its own.
 *
 * Run: `deno task doctor [--json]`.
 *
 * @module
 */
import { RUNTIMES } from "../serve/runtime/mod.ts";
import type { RuntimeName } from "../serve/runtime/mod.ts";
import { probeWith } from "../train/engine/describe.ts";
import { type Availability, describe, ENGINE_NAMES, type EngineName } from "../train/engine/mod.ts";

/** What was found. */
export interface DoctorReport {
  /** Ways to train, best first. */
  readonly engines: Readonly<Record<EngineName, Availability>>;
  /** Ways to run ONNX models. */
  readonly runtimes: Readonly<Record<RuntimeName, Availability>>;
}

/** What {@linkcode doctor} may vary. */
export interface DoctorOptions {
  /** Prints the report as JSON and nothing else. @default false */
  readonly json?: boolean;
  /** Receives the report as text. @default `console.log` */
  readonly print?: (text: string) => void;
}

/** Examines the machine and prints what it found. Takes some seconds. */
export async function doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const { json = false, print = console.log } = options;
  const report: DoctorReport = { engines: await describe(), runtimes: await probeRuntimes() };
  print(json ? JSON.stringify(report, null, 2) : table(report));
  return report;
}

/** Lets every ONNX runtime run a model of one node, each in a process of its own. */
export async function probeRuntimes(): Promise<Record<RuntimeName, Availability>> {
  const script = new URL("./_probe_runtime.ts", import.meta.url);
  const entries: [RuntimeName, Availability][] = [];
  for (const name of RUNTIMES) entries.push([name, await probeWith(script, name)]);
  return Object.fromEntries(entries) as Record<RuntimeName, Availability>;
}

/** The report for people: one line each, reasons below. */
export function table({ engines, runtimes }: DoctorReport): string {
  const best = ENGINE_NAMES.find((name) => engines[name].available && !engines[name].software);
  return [
    "Engines (training)",
    ...Object.entries(engines).flatMap(([name, found]) => lines(name, found, name === best)),
    "",
    "Runtimes (serving)",
    ...Object.entries(runtimes).flatMap(([name, found]) => lines(name, found, false)),
    "",
    best === undefined ? "No engine runs here." : `--engine auto takes ${best}.`,
  ].join("\n");
}

function lines(name: string, found: Availability, best: boolean): string[] {
  const mark = best ? "*" : " ";
  if (!found.available) return [`${mark} ${name.padEnd(9)} no   ${found.reason.replaceAll("\n", " ")}`];
  const gigabytes = found.memoryBytes === undefined
    ? ""
    : `, ${(found.memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  const imitated = found.software ? ", a processor imitates the GPU" : "";
  return [`${mark} ${name.padEnd(9)} yes  ${found.device}${gigabytes}${imitated} (${found.version})`];
}

if (import.meta.main) await doctor({ json: Deno.args.includes("--json") });
