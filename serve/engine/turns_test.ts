import { assert, assertEquals } from "@std/assert/mod.js";
import { cellCount, patchBox } from "../../core/geometry/mod.ts";
import { deviceView, JPEG_COST, pixelsOf, placeCut } from "../../core/policy/mod.ts";
import { raster } from "../../core/image/mod.ts";
import { stream } from "../../core/random.ts";
import { tinyBundle } from "../../tests/support/tiny_bundle.ts";
import { wirePlan } from "./turns.ts";

Deno.test("wirePlan() asks only for boxes inside the picture, of sizes that fit the patch", async () => {
  const random = stream(3, "sizes");
  const side = () => Math.ceil(Math.exp(random() * Math.log(3000)));
  const spent = { patches: 0, bytes: 0, turns: 0 };
  for (const fit of ["cover", "contain", "stretch"] as const) {
    const bundle = await tinyBundle({ reading: "patches", fit });
    const { grid } = bundle.manifest.method;
    const plan = Array.from({ length: cellCount(grid) }, (_, id) => {
      const box = patchBox(grid, id);
      return { id, box, size: { width: box.w, height: box.h }, gain: 1 };
    });
    for (let i = 0; i < 300; i++) {
      const picture = { width: side(), height: side() };
      const context = { bundle, turn: 0, top: 1, cost: JPEG_COST, spent };
      const wire = wirePlan(plan, deviceView(picture, bundle.manifest), context);
      assert(wire.length > 0);
      assertEquals(wire.map(({ rank }) => rank), wire.map((_, rank) => rank));
      for (const { id, box, boxNorm, size, at } of wire) {
        const what = JSON.stringify({ fit, picture, id, box, size, at });
        assert(Object.values({ ...box, ...size, ...at }).every(Number.isInteger), what);
        assert(box.x >= 0 && box.y >= 0 && box.w > 0 && box.h > 0, what);
        assert(box.x + box.w <= picture.width && box.y + box.h <= picture.height, what);
        assert(size.width > 0 && size.height > 0 && at.x >= 0 && at.y >= 0, what);
        assert(
          at.x + size.width <= plan[id]!.size.width && at.y + size.height <= plan[id]!.size.height,
          what,
        );
        assert(boxNorm.x + boxNorm.w <= 1 + 1e-9 && boxNorm.y + boxNorm.h <= 1 + 1e-9, what);
        if (i < 10) {
          placeCut(pixelsOf(raster(picture.width, picture.height), { box, size }), { at }, plan[id]!.size);
        }
      }
    }
  }
});
