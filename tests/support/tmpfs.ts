/**
 * Disks of a chosen size, in memory.
 *
 * @module
 */

function mount(...args: readonly string[]): string {
  const { success, stderr } = new Deno.Command("mount", { args: [...args], stderr: "piped" }).outputSync();
  return success ? "" : new TextDecoder().decode(stderr).trim() || "mount failed";
}

/** A mounted disk. */
export interface SmallDisk {
  /** Where it is. */
  readonly folder: string;
  /** Makes it larger or smaller. */
  resize(kibibytes: number): void;
}

/** Runs a test with an empty disk of a size, which is gone afterwards. */
export async function onDisk(kibibytes: number, test: (disk: SmallDisk) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const asked = (...options: readonly string[]): void => {
    const refused = mount("-t", "tmpfs", ...options, "tmpfs", folder);
    if (refused !== "") throw new Error(refused);
  };
  asked("-o", `size=${kibibytes}k`);
  try {
    await test({ folder, resize: (size) => asked("-o", `remount,size=${size}k`) });
  } finally {
    new Deno.Command("umount", { args: [folder] }).outputSync();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The reason why no disk can be mounted here; `undefined` when one can. */
export function noDisks(): string | undefined {
  if (Deno.build.os !== "linux") return "no tmpfs on this system";
  const folder = Deno.makeTempDirSync();
  try {
    const refused = mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
    if (refused !== "") return `cannot mount a tmpfs: ${refused.split("\n")[0]}`;
    new Deno.Command("umount", { args: [folder] }).outputSync();
    return undefined;
  } catch (error) {
    return `cannot mount a tmpfs: ${error instanceof Error ? error.message : error}`;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
