/**
 * The files of a folder or of a tar archive, by base name.
 *
 * @module
 */
import { extract } from "tar-stream";

/** Largest file taken from an archive; the largest official one is CIFAR-100's `train.bin`, 153,700,000 bytes. */
const MAX_MEMBER_BYTES = 512 * 1024 * 1024;

/** Base name of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * Reads the wanted files of a folder, `.tar`, `.tar.gz` or `.tgz`.
 *
 * @returns Bytes by base name; absent files are absent.
 * @throws {RangeError} If the archive is compressed in a way that is not read here, or is not a tar.
 */
export async function readMembers(
  path: string,
  wanted: (name: string) => boolean,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  if ((await Deno.stat(path)).isDirectory) {
    for await (const entry of Deno.readDir(path)) {
      if (entry.isFile && wanted(entry.name)) {
        found.set(entry.name, await Deno.readFile(`${path}/${entry.name}`));
      }
    }
    return found;
  }
  if (/\.(xz|txz|bz2|zst)$/i.test(path)) {
    throw new RangeError(
      `Cannot read "${path}": its compression is not supported, unpack it first (\`tar xf ${
        baseName(path)
      }\`) ` +
        `and name the folder, or uncompress it to a .tar (\`xz -dk ${baseName(path)}\`)`,
    );
  }
  const file = await Deno.open(path);
  const compressed = /\.(tgz|gz)$/i.test(path);
  const bytes = compressed ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
  const archive = extract();
  archive.on("entry", (header, stream, next) => {
    const name = baseName(header.name);
    if (header.type !== "file" || !wanted(name) || header.size > MAX_MEMBER_BYTES) {
      stream.on("end", () => next());
      stream.on("error", () => {});
      stream.resume();
      return;
    }
    // Grown by what really comes: the size in a header is only a claim.
    const parts: Uint8Array<ArrayBuffer>[] = [];
    stream.on("data", (chunk) => parts.push(chunk as Uint8Array<ArrayBuffer>));
    stream.on("error", () => {}); // the archive reports the same error
    stream.on("end", () => {
      const content = new Uint8Array(header.size);
      let offset = 0;
      for (const part of parts) {
        content.set(part, offset);
        offset += part.length;
      }
      found.set(name, content);
      next();
    });
  });
  const ended = new Promise<void>((resolve, reject) => {
    archive.on("finish", resolve);
    archive.on("error", reject);
  });
  ended.catch(() => {}); // looked at below; it may fail while a chunk is being read
  try {
    for await (const chunk of bytes) {
      if (!archive.write(chunk)) {
        await Promise.race([ended, new Promise<void>((resolve) => archive.once("drain", resolve))]);
      }
    }
    archive.end(null);
    await ended;
  } catch (error) {
    archive.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    throw new RangeError(`Cannot read "${path}": ${reason}, must be a complete .tar or .tar.gz`, {
      cause: error,
    });
  }
  return found;
}
