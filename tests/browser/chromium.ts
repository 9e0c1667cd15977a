/**
 * Chromium without a screen.
 *
 * @module
 */
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Where Chromium is: what the variable CHROMIUM says; without it Debian's place, then PATH. */
export function findChromium(): string | undefined {
  const wanted = Deno.env.get("CHROMIUM");
  if (wanted !== undefined) return isFile(wanted) ? wanted : undefined;
  const folders = ["/usr/bin", ...(Deno.env.get("PATH") ?? "").split(":")];
  return folders.flatMap((folder) => NAMES.map((name) => `${folder}/${name}`)).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Starts it, with WebGPU on a software adapter, so that no GPU is needed and results do not depend on one. */
export function launch(executablePath: string): Promise<Browser> {
  const args = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
  return chromium.launch({ executablePath, args, timeout: START_MS });
}

/** Long, because a busy machine is no reason to fail: only what hangs ends here. */
export const START_MS = 300_000;
