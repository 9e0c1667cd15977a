/**
 * Runtimes for commands: the one asked for, or the fastest there is; networks loaded, calls answered.
 *
 * @module
 */
import type { Run } from "../../core/policy/mod.ts";
import { openRuntime, type Runtime, type RuntimeName, type Session } from "../../serve/runtime/mod.ts";
import { MissingError } from "./command.ts";

/** How a runtime is opened. */
export interface OpenOptions {
  /** Which; absent: the native one, or where it is missing the one without native code. */
  readonly runtime?: RuntimeName | undefined;
  /** Threads of one calculation. @default the processor's, 4 at most */
  readonly threads?: number | undefined;
}

/**
 * Opens a runtime and says on standard error which one.
 *
 * @throws {MissingError} If the one asked for is not there.
 */
export async function openChosen({ runtime, threads }: OpenOptions): Promise<Runtime> {
  const options = { threads: threads ?? Math.max(1, Math.min(4, navigator.hardwareConcurrency)) };
  const names: readonly RuntimeName[] = runtime === undefined ? ["node", "web"] : [runtime];
  let failure: unknown;
  for (const name of names) {
    try {
      const opened = await openRuntime(name, options);
      console.error(`runtime ${opened.name}: onnxruntime ${opened.version}, ${opened.device}`);
      return opened;
    } catch (error) {
      failure = error;
    }
  }
  throw new MissingError(failure instanceof Error ? failure.message : String(failure), { cause: failure });
}

/** Loaded networks: calls by name. */
export interface LoadedNetworks {
  /** Runs one of them. */
  readonly run: Run;
  /** Gives their memory back. */
  release(): Promise<void>;
}

/** Loads ONNX networks by name. */
export async function loadNetworks(
  runtime: Runtime,
  networks: ReadonlyMap<string, Uint8Array>,
): Promise<LoadedNetworks> {
  const sessions = new Map<string, Session>();
  for (const [name, bytes] of networks) sessions.set(name, await runtime.load(bytes));
  return {
    run: async (network, inputs) => {
      const session = sessions.get(network);
      if (session === undefined) throw new RangeError(`Cannot run "${network}": the bundle does not have it`);
      return await session.run(inputs);
    },
    release: async () => {
      for (const session of sessions.values()) await session.release();
    },
  };
}
