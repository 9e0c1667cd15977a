/** The engines of a web page, in a browser: the checks of `tests/conformance`, and how engines open there. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert/mod.js";
import type { Browser, Page } from "playwright-core";
import type { OpenOptions } from "../../train/engine/browser.ts";
import { findChromium, launch, START_MS } from "../browser/chromium.ts";
import type { Conformance, Opened, PageEngine } from "../browser/page.ts";
import { serveSite } from "../browser/site.ts";
import { CLAIMS } from "../conformance/check.ts";
import { asSteps } from "../conformance/steps.ts";
import { testUnless } from "../support/skip.ts";

declare global {
  /** What `page.ts` defines in the page. */
  var conformance: Conformance;
}

const executable = findChromium();
const missing = executable === undefined
  ? "no Chromium at $CHROMIUM, in /usr/bin or in PATH, install the package chromium"
  : undefined;

/** tfjs takes half of them as threads: with two cores an isolated page would compute as any other. */
const CORES = 4;

/** Opens the page for a test. Whatever it prints is an error: what matters is thrown. */
async function inPage(browser: Browser, url: string, test: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.newPage();
  page.setDefaultTimeout(START_MS);
  const printed: string[] = [];
  // Of a file that is not there the browser itself writes a line.
  page.on("console", (message) => {
    if (!message.text().startsWith("Failed to load resource")) printed.push(message.text());
  });
  page.on("pageerror", (error) => printed.push(String(error)));
  await page.addInitScript(
    (value) => Object.defineProperty(navigator, "hardwareConcurrency", { value }),
    CORES,
  );
  try {
    await page.goto(url);
    assert(await page.evaluate(() => "conformance" in globalThis), `page.js does not run: ${printed.join()}`);
    await test(page);
  } finally {
    await page.close();
  }
  assertEquals(printed, [], "the page prints");
}

function openIn(page: Page, name: Opened["name"], options: OpenOptions = {}): Promise<Opened> {
  const given = [name, options] as const;
  return page.evaluate(([name, options]) => globalThis.conformance.open(name, options), given);
}

/** Every claim on one engine. Where the browser lacks it there is an ignored step, named after the reason. */
async function check(t: Deno.TestContext, page: Page, engine: PageEngine, device: RegExp): Promise<void> {
  const opened = await openIn(page, engine);
  if (opened.unavailable !== "") {
    await t.step({ name: `not here: ${opened.unavailable}`, ignore: true, fn: () => {} });
    return;
  }
  assertEquals(opened.name, engine);
  assertMatch(opened.device, device);
  for (const claim of Object.keys(CLAIMS)) {
    const given = [engine, claim] as const;
    const checks = await page.evaluate(
      ([engine, claim]) => globalThis.conformance.list(engine, claim),
      given,
    );
    assert(checks.length > 0, claim);
    const run = ({ name }: { readonly name: string }): Promise<void> =>
      page.evaluate((name) => globalThis.conformance.run(name), name);
    await t.step(claim, (t) => asSteps(t, checks, `${engine} in Chromium`, run));
  }
}

const CLAIM =
  "open() in a web page brings up webgpu, wasm and cpu, which compute, train and leave nothing behind";

testUnless(missing, CLAIM, async (t) => {
  await using site = await serveSite();
  await using browser = await launch(executable!);
  const step = (
    name: string,
    test: (page: Page, t: Deno.TestContext) => Promise<void>,
    url = site.page,
  ): Promise<boolean> => t.step(name, (t) => inPage(browser, url, (page) => test(page, t)));

  await step("cpu", (page, t) => check(t, page, "cpu", /^JavaScript, 1 thread$/));
  await step("wasm", (page, t) => check(t, page, "wasm", /, 1 thread$/));
  await step("wasm with threads", (page, t) => check(t, page, "wasm", /, 2 threads$/), site.isolated);
  await step("webgpu", (page, t) => check(t, page, "webgpu", /swiftshader/));
  await step("auto passes over native engines and imitated GPUs", async (page) => {
    const { name, passedOver } = await openIn(page, "auto");
    assertEquals([name, ...passedOver], ["wasm", "node-gpu", "node", "webgpu"]);
  });
  await step("a native engine is refused", async (page) => {
    assertStringIncludes((await openIn(page, "node")).unavailable, "no native code");
  });
  await step(
    "a missing file of wasm is named, and the page can go on with the right folder",
    async (page) => {
      const { unavailable } = await openIn(page, "wasm", { wasmFolder: "/nowhere/" });
      assertStringIncludes(unavailable, "/nowhere/tfjs-backend-wasm-simd.wasm answers 404");
      assertEquals((await openIn(page, "wasm", { wasmFolder: "/isolated/" })).unavailable, "");
    },
  );
  await step("threads asked for are taken", async (page) => {
    assertMatch((await openIn(page, "wasm", { threads: 1 })).device, /, 1 thread$/);
  }, site.isolated);
});
