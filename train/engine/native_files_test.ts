import { assertEquals } from "@std/assert/mod.js";
import { cacheHome } from "./native_files.ts";

Deno.test("cacheHome() prefers SACCADE_CACHE, then XDG_CACHE_HOME, then the home folder", () => {
  const env = { SACCADE_CACHE: "/s", XDG_CACHE_HOME: "/x", HOME: "/h" };
  assertEquals(cacheHome(env), "/s");
  assertEquals(cacheHome({ ...env, SACCADE_CACHE: undefined }), "/x/saccade");
  assertEquals(cacheHome({ HOME: "/h", SACCADE_CACHE: "", XDG_CACHE_HOME: "" }), "/h/.cache/saccade");
});
