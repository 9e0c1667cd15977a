import { assertEquals } from "@std/assert/mod.js";
import { inFolder } from "../tests/support/folder.ts";
import { checkExports } from "./check_exports.ts";

Deno.test("checkExports() finds doors that are not listed and listed files that are not there", () =>
  inFolder(async (folder) => {
    for (const path of ["core", "client", "scripts", "models"]) await Deno.mkdir(`${folder}/${path}`);
    for (const path of ["mod.ts", "core/mod.ts", "core/_a.ts", "client/mod.ts", "scripts/mod.ts"]) {
      await Deno.writeTextFile(`${folder}/${path}`, "");
    }
    const check = async (exports: Record<string, string>) => {
      await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ exports }));
      return await checkExports(folder);
    };
    const right = { ".": "./mod.ts", "./core": "./core/mod.ts", "./client": "./client/mod.ts" };
    assertEquals(await check(right), []);
    assertEquals(await check({ ...right, "./core": "./core/other.ts", "./a": "./core/_a.ts" }), [
      'export "./core" is "./core/other.ts", which is not there',
      'export "./a" is "./core/_a.ts", which is private',
      'export "./core" is "./core/other.ts", must be "./core/mod.ts"',
    ]);
    assertEquals(await check({ ".": "./mod.ts", "./core": "./core/mod.ts" }), [
      'export "./client" is null, must be "./client/mod.ts"',
    ]);
  }));
