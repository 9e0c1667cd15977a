/**
 * The edge service in this process, for commands that need one and no network.
 *
 * @module
 */
import { folderFiles } from "../../serve/adapters/deno.ts";
import { createService } from "../../serve/mod.ts";
import { createMachine, openRuntime, type RuntimeName } from "../../serve/runtime/mod.ts";
import { MissingError } from "./command.ts";

/** A service that is ready. */
export interface OpenedService {
  /** Asks it. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Gives everything back. */
  close(): Promise<void>;
}

/** Opens a repository with a runtime in this thread and waits until its models are warm. */
export async function openService(
  { repository, runtime }: { readonly repository: string; readonly runtime: RuntimeName },
): Promise<OpenedService> {
  const opened = await openRuntime(runtime).catch((error: Error) => {
    throw new MissingError(error.message, { cause: error });
  });
  const service = await createService({ files: folderFiles(repository), machine: createMachine(opened) });
  await service.loaded;
  return {
    fetch: async (request) => await service.app.fetch(request),
    close: () => service.close(),
  };
}
