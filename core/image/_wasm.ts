/**
 * Keeping a WebAssembly decoder that may die. These decoders end the program on bad input; the instance is dropped
 * then and the next call gets a new one, so one picture cannot spoil another.
 *
 * @module
 */

/** What an instantiated decoder looks like. */
export interface DecoderModule {
  decode(
    data: Uint8Array,
    flag?: boolean,
  ): { readonly data: Uint8ClampedArray; width: number; height: number } | null;
  readonly HEAPU8: Uint8Array;
}

/** Makes an instance; `print` and `printErr` receive its lines. */
export type DecoderFactory = (options: {
  readonly noInitialRun: boolean;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
  /** When left out, the decoder finds and compiles its own file. */
  readonly instantiateWasm?: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => unknown;
}) => Promise<DecoderModule>;

/** Memory an idle instance may keep. WebAssembly memory never shrinks, so a larger one is dropped. */
const MAX_IDLE_BYTES = 64 * 1024 * 1024;

/** What one decoding gave. */
export interface Decoded {
  /** `uint8[H, W, 4]`, or nothing when the decoder gave up. */
  readonly rgba?: { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number };
  /** What the decoder printed: its warnings. */
  readonly lines: readonly string[];
}

/** A decoder that survives its instances. Calls that come at once share one instance. */
export class Decoder {
  readonly #factory: DecoderFactory;
  readonly #file: string;
  readonly #options: readonly boolean[];
  #compiled: Promise<WebAssembly.Module | undefined> | undefined;
  #instance: Promise<DecoderModule> | undefined;
  #lines: string[] = [];

  /** `file` is the decoder's WebAssembly file as a module specifier; `options` follow the bytes in every call. */
  constructor(factory: DecoderFactory, file: string, ...options: readonly boolean[]) {
    this.#factory = factory;
    this.#file = file;
    this.#options = options;
  }

  /**
   * Compiled once: a sender of broken pictures costs a new instance each (1 ms), not a compilation (100 ms). Where
   * the specifier cannot be resolved, in a bundle, the decoder's own way is taken.
   */
  async #compile(): Promise<WebAssembly.Module | undefined> {
    try {
      return await WebAssembly.compileStreaming(fetch(import.meta.resolve(this.#file)));
    } catch {
      return undefined;
    }
  }

  async #start(): Promise<DecoderModule> {
    const print = (line: string): void => void this.#lines.push(line);
    const compiled = await (this.#compiled ??= this.#compile());
    const options = { noInitialRun: true, print, printErr: print };
    if (compiled === undefined) return await this.#factory(options);
    return await this.#factory({
      ...options,
      instantiateWasm: (imports, done) => {
        const instance = new WebAssembly.Instance(compiled, imports);
        done(instance);
        return instance.exports;
      },
    });
  }

  /** Decodes one picture; never throws for what is in it. */
  async decode(bytes: Uint8Array): Promise<Decoded> {
    this.#instance ??= this.#start();
    const instance = this.#instance;
    let module: DecoderModule;
    try {
      module = await instance;
    } catch (error) {
      if (this.#instance === instance) this.#instance = undefined; // the file may be there next time
      throw error;
    }
    // From here to the return nothing waits, so the lines are this picture's.
    this.#lines = [];
    try {
      const rgba = module.decode(bytes, ...this.#options);
      if (module.HEAPU8.length > MAX_IDLE_BYTES) this.#drop(instance);
      return rgba === null ? { lines: this.#lines } : { rgba, lines: this.#lines };
    } catch (error) {
      this.#drop(instance);
      return { lines: [...this.#lines, error instanceof Error ? error.message : String(error)] };
    }
  }

  #drop(instance: Promise<DecoderModule>): void {
    if (this.#instance === instance) this.#instance = undefined;
  }
}
