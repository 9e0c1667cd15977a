/**
 * Pictures on the device: decoded once, cut as the plan says, nothing but the cuts is sent.
 *
 * @module
 */
import { decode, encode, type ImageType, type Raster } from "../core/image/mod.ts";
import { glanceOf, pixelsOf } from "../core/policy/mod.ts";
import { IMAGE_TYPES, type Transfer } from "../serve/protocol/mod.ts";
import type { Source } from "./source.ts";

/**
 * An image file on the device: JPEG, PNG or WebP.
 *
 * Whatever a source does may throw {@link ImageError} when the file is damaged.
 */
export function file(data: Blob | Uint8Array): Source {
  let pixels: Promise<Raster> | undefined;
  const bytes = data instanceof Blob ? data.size : data.length;
  return onDevice(() => pixels ??= decoded(data), () => Promise.resolve(bytes));
}

/** A picture already decoded. The whole of it weighs what it takes encoded as the model's patches are. */
export function picture(pixels: Raster): Source {
  const weights = new Map<string, Promise<number>>();
  return onDevice(() => Promise.resolve(pixels), (transfer) => {
    const key = JSON.stringify(transfer);
    const weight = weights.get(key) ?? encoded(pixels, transfer).then(({ size }) => size);
    weights.set(key, weight);
    return weight;
  });
}

function onDevice(pixels: () => Promise<Raster>, wholeBytes: Source["wholeBytes"]): Source {
  return {
    wholeBytes,
    async size() {
      const { width, height } = await pixels();
      return { width, height };
    },
    async glance(model) {
      return await encoded(glanceOf(await pixels(), model), model.transfer.glance);
    },
    async patch(patch) {
      const { mediaType: type, quality } = patch.fetch;
      const transfer = quality === undefined ? { type } : { type, quality };
      return await encoded(pixelsOf(await pixels(), patch), transfer);
    },
  };
}

async function decoded(data: Blob | Uint8Array): Promise<Raster> {
  return await decode(data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data);
}

async function encoded(pixels: Raster, { type, quality }: Transfer): Promise<Blob> {
  if (!isImageType(type)) {
    throw new TypeError(
      `Cannot encode picture: the model wants "${type}", must be ${IMAGE_TYPES.join(", ")}`,
    );
  }
  return new Blob([await encode(pixels, quality === undefined ? { type } : { type, quality })], { type });
}

function isImageType(type: string): type is ImageType {
  return IMAGE_TYPES.includes(type);
}
