/**
 * The client: looks at a picture through an edge and fetches only the patches it is told to.
 *
 * @example
 * ```ts ignore
 * const saccade = connect("https://edge.example");
 * const { label, savedBytes } = await saccade.classify(file(blob), { model: "scenes" });
 * ```
 *
 * @module
 */
import { isProtocolError, type ModelCard, type ModelLine } from "../serve/protocol/mod.ts";
import { type Classification, summarize } from "./classification.ts";
import { edgeAt, type EdgeOptions } from "./edge.ts";
import { type Look, lookAt, type LookOptions } from "./look.ts";
import type { Source } from "./source.ts";

export { file, picture } from "./file.ts";
export { isProtocolError, ProtocolError } from "../serve/protocol/mod.ts";
export type { Classification } from "./classification.ts";
export type { EdgeOptions, Fetch } from "./edge.ts";
export type { FinalTurn, Look, LookOptions, Sent, SentPatch } from "./look.ts";
export type { FetchOptions, Source } from "./source.ts";

/** A connected edge. */
export interface Saccade {
  /** Models of the edge. @throws {ProtocolError} */
  models(): Promise<readonly ModelLine[]>;
  /** The card of a model. @throws {ProtocolError} */
  card(model: string, version?: number): Promise<ModelCard>;
  /** Looks at a picture turn by turn. The iteration throws {@link ProtocolError}. */
  look(source: Source, options: LookOptions): AsyncGenerator<Look, void, void>;
  /** Looks until there is an answer, and adds up what it took. @throws {ProtocolError} */
  classify(source: Source, options: LookOptions): Promise<Classification>;
}

/** Connects to an edge; nothing is sent yet. */
export function connect(base: string | URL, options: EdgeOptions = {}): Saccade {
  const edge = edgeAt(base, options);
  const cards = new Map<string, Promise<ModelCard>>();

  /** Cards are kept: a version never changes, and which one is the highest is asked again when it is gone. */
  function cardFor({ model, version }: LookOptions): Promise<ModelCard> {
    const key = `${model}/${version ?? ""}`;
    const known = cards.get(key);
    if (known !== undefined) return known;
    const card = edge.card(model, version);
    cards.set(key, card);
    card.catch(() => cards.delete(key));
    return card;
  }

  async function* look(source: Source, options: LookOptions): AsyncGenerator<Look, void, void> {
    try {
      yield* lookAt(edge, await cardFor(options), source, options);
    } catch (error) {
      if (isProtocolError(error, "version-unknown")) {
        cards.delete(`${options.model}/${options.version ?? ""}`);
      }
      throw error;
    }
  }

  return {
    models: async () => (await edge.models()).models,
    card: (model, version) => edge.card(model, version),
    look,
    async classify(source, options) {
      let last: Look | undefined;
      for await (const turn of look(source, options)) last = turn;
      return await summarize(source, await cardFor(options), last!);
    },
  };
}
