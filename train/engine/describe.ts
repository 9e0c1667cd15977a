/**
 * Which engines run on this machine, found out in processes of their own.
 *
 * A native library stays in a process once it is loaded, two of them crash it, and a broken driver takes it down: each
 * engine is tried where that harms nobody.
 *
 * @module
 */
import { ENGINE_NAMES, type EngineName } from "./engine.ts";

/** Whether something runs here. */
export interface Availability {
  /** It opened and computed correctly. */
  readonly available: boolean;
  /** What computes; empty when it is not known. */
  readonly device: string;
  /** Libraries and releases; empty when they are not known. */
  readonly version: string;
  /** What the device can hold, where it is known. */
  readonly memoryBytes?: number;
  /** A GPU interface that a processor imitates. */
  readonly software: boolean;
  /** Why not, and what to do; empty when it is available. */
  readonly reason: string;
}

const TIMEOUT_MS = 120_000;

/** Tries every engine, each in a process of its own, one after the other. Nothing is left switched on. */
export async function describe(): Promise<Record<EngineName, Availability>> {
  const entries: [EngineName, Availability][] = [];
  for (const name of ENGINE_NAMES) entries.push([name, await probe(name)]);
  return Object.fromEntries(entries) as Record<EngineName, Availability>;
}

/** Tries one engine in a process of its own. */
export function probe(name: EngineName): Promise<Availability> {
  return probeWith(new URL("./_probe.ts", import.meta.url), name);
}

/**
 * Runs a script in a process of its own and believes the last line it prints, an {@linkcode Availability} as JSON.
 *
 * @param script A module of ours that prints such a line.
 * @param name What it is to try, its only argument.
 */
export async function probeWith(script: URL, name: string): Promise<Availability> {
  try {
    const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", "--unstable-webgpu", script.href, name],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).output();
    return verdict(code, signal, new TextDecoder().decode(stdout));
  } catch (error) {
    return lost(`its process does not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function lost(reason: string): Availability {
  return { available: false, device: "", version: "", software: false, reason };
}

/** What the end of a probe says about its engine. */
export function verdict(code: number, signal: string | null, stdout: string): Availability {
  if (signal !== null) {
    return lost(`its process was ended by ${signal}, the native library or the driver is broken`);
  }
  if (code === 143) return lost(`it did not answer in ${TIMEOUT_MS / 1000} s`);
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line) as Availability;
  } catch {
    return lost(`its process ended with code ${code} and no answer`);
  }
}
