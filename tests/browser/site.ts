/**
 * A server for the page of the tests: the page, its bundle, and what the engine `wasm` fetches.
 *
 * @module
 */
const ROOT = new URL("../../", import.meta.url);
const WASM = new URL("./", import.meta.resolve("@tensorflow/tfjs-backend-wasm"));

const HTML =
  '<!doctype html><meta charset="utf-8"><title>Engines</title><script type="module" src="page.js"></script>';

/** Gives a page memory that its workers share, and with it threads. */
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** What is being served. */
export interface Site extends AsyncDisposable {
  /** Address of the page, ending in `/`. */
  readonly page: string;
  /** The same page, cross-origin isolated. */
  readonly isolated: string;
}

/** Bundles `page.ts` for browsers and serves it on a free port of this machine. */
export async function serveSite(): Promise<Site> {
  const bundle = await bundlePage();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async ({ url }) => {
    const [, isolated, name] = /^\/(isolated\/)?([^/]*)$/.exec(new URL(url).pathname) ?? [];
    const headers = isolated === undefined ? {} : ISOLATED;
    if (name === "") return new Response(HTML, { headers: { ...headers, "content-type": "text/html" } });
    if (name === "page.js") {
      return new Response(bundle, { headers: { ...headers, "content-type": "text/javascript" } });
    }
    if (name?.endsWith(".wasm")) {
      const bytes = await Deno.readFile(new URL(name, WASM));
      return new Response(bytes, { headers: { ...headers, "content-type": "application/wasm" } });
    }
    return new Response(null, { status: name === "favicon.ico" ? 204 : 404 });
  });
  const page = `http://127.0.0.1:${server.addr.port}/`;
  return { page, isolated: `${page}isolated/`, [Symbol.asyncDispose]: () => server.shutdown() };
}

async function bundlePage(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--no-check", "--platform", "browser", "tests/browser/page.ts"],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`Cannot bundle page.ts: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
