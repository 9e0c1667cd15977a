import { DiskFullError, isDiskFull, writeAllSync } from "../files.ts";

/** A file that only grows, whole records at a time, and that can be cut back to an earlier length. */
export class AppendFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #length: number;

  private constructor(path: string, file: Deno.FsFile, length: number) {
    this.#path = path;
    this.#file = file;
    this.#length = length;
  }

  /**
   * Opens or creates a file that is to go on after `length` bytes; {@linkcode cut} it before the first record.
   *
   * @param lastByte What the byte before the cut must be, where the format has such a byte.
   * @throws {RangeError} If the file is shorter than that or the cut is inside a record.
   */
  static open(path: string, { length, lastByte }: { length: number; lastByte?: number }): AppendFile {
    const file = Deno.openSync(path, { read: true, write: true, create: true });
    try {
      const { size } = file.statSync();
      if (size < length) {
        throw new RangeError(`Cannot resume log "${path}": ${size} bytes, must be at least ${length}`);
      }
      if (length > 0 && lastByte !== undefined) {
        file.seekSync(length - 1, Deno.SeekMode.Start);
        const last = new Uint8Array(1);
        file.readSync(last);
        if (last[0] !== lastByte) {
          throw new RangeError(
            `Cannot resume log "${path}": byte ${length} is inside a record, must end one`,
          );
        }
      }
      return new AppendFile(path, file, length);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Bytes of whole records. */
  get length(): number {
    return this.#length;
  }

  /** Removes everything after the whole records. */
  cut(): void {
    this.#file.truncateSync(this.#length);
    this.#file.seekSync(this.#length, Deno.SeekMode.Start);
  }

  /** Adds one record; one that does not fit on the disk leaves no part of itself. */
  append(record: Uint8Array): void {
    try {
      writeAllSync(this.#file, record);
    } catch (error) {
      this.cut();
      throw isDiskFull(error) ? new DiskFullError(this.#path, record.length, error) : error;
    }
    this.#length += record.length;
  }

  /** Returns after everything is on the disk; a file system may notice only here that it is full. */
  async sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(this.#path, this.#length, error) : error;
    }
  }

  close(): void {
    this.#file.close();
  }
}
