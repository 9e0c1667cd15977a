/**
 * Whether HTML and SVG are well-formed: as much of a parser as pages without scripts need.
 *
 * @module
 */

/** Elements of HTML that have no end. */
const VOID = new Set(["meta", "img", "br", "hr", "link", "input"]);

/** An element that was met. */
export interface Element {
  /** Its name. */
  readonly name: string;
  /** Names of the elements around it, outermost first. */
  readonly inside: readonly string[];
  /** As written, entities and all. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The elements of a document, in order.
 *
 * @param html Whether elements without an end are allowed, as in HTML.
 * @throws {SyntaxError} If elements are not closed in order, an attribute is not quoted or there twice, or a bare `<` or `&` is
 *   in the text.
 */
export function elementsOf(text: string, { html }: { readonly html: boolean }): Element[] {
  const found: Element[] = [];
  const open: string[] = [];
  const fail = (what: string, at: number): never => {
    throw new SyntaxError(`${what} in <${open.join("><")}> at ${at}: ${text.slice(at, at + 80)}`);
  };
  const start = html ? text.replace(/^<!doctype html>\s*/i, "") : text;
  for (let at = 0; at < start.length;) {
    if (start[at] !== "<") {
      const end = start.indexOf("<", at);
      const words = start.slice(at, end < 0 ? start.length : end);
      if (open.at(-1) !== "style" && /&(?!(amp|lt|gt|quot|#\d+|#x[\da-f]+);)/i.test(words)) {
        fail("a bare &", at);
      }
      if (open.length === 0 && words.trim() !== "") fail("text outside", at);
      at += words.length;
      continue;
    }
    const end = /^<\/([a-zA-Z][\w-]*)\s*>/.exec(start.slice(at));
    if (end !== null) {
      if (open.pop() !== end[1]) fail(`</${end[1]}> closes nothing`, at);
      at += end[0].length;
      continue;
    }
    const tag = /^<([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/.exec(start.slice(at));
    if (tag === null) return fail("no tag", at);
    const [all, name, written, closed] = tag as unknown as [string, string, string, string];
    const pairs = [...written.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) =>
      [key!, value!] as const
    );
    const attributes = Object.fromEntries(pairs);
    if (Object.keys(attributes).length < pairs.length) fail("an attribute twice", at);
    found.push({ name, inside: [...open], attributes });
    if (closed === "" && !(html && VOID.has(name))) open.push(name);
    at += all.length;
  }
  if (open.length > 0) throw new SyntaxError(`<${open.join("><")}> is not closed`);
  return found;
}
