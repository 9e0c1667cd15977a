/**
 * The client's side of an episode: what of a picture on the device is sent, as which bytes. One implementation for the client,
 * for evaluation and for training data, so that a model is measured on what it will be sent.
 *
 * @module
 */
import { type Box, type Cut, cutOf, type Fit, type Size, type View, viewOf, whole } from "../geometry/mod.ts";
import { crop, resample, type ResampleMethod } from "../geometry/mod.ts";
import { type Raster, raster } from "../image/raster.ts";

/** What must be known of a model to send it a picture; manifests and cards have it. */
export interface DeviceModel {
  /** Size of the frame. */
  readonly frame: Size;
  /** Size of the glance and how it is resampled. */
  readonly glance: Size & { readonly resample: ResampleMethod };
  /** How a picture fills the frame. */
  readonly fit: Fit;
}

/** What is around a contained picture: middle grey. */
const BORDER = 128;

/** How a picture lies in the frame of a model. */
export function deviceView(picture: Size, { frame, fit }: Pick<DeviceModel, "frame" | "fit">): View {
  return viewOf(picture, frame, fit);
}

/** The glance of a picture: the whole frame at the model's glance size, by the model's method. */
export function glanceOf(picture: Raster, model: DeviceModel): Raster {
  const { width, height, resample: method } = model.glance;
  const view = deviceView(picture, model);
  const wanted = { width, height };
  const cut = cutOf(view, whole(model.frame), wanted);
  if (cut === undefined) throw new RangeError("Cannot make glance: the frame shows nothing of the picture");
  const shown = resample(picture, { box: cut.box, ...cut.size, method });
  return placeCut(shown, cut, wanted);
}

/** What a cut shows: cropped as it is where sizes agree, else resampled (antialiased bilinear). */
export function pixelsOf(picture: Raster, { box, size }: Pick<Cut, "box" | "size">): Raster {
  return box.w === size.width && box.h === size.height
    ? crop(picture, box)
    : resample(picture, { box, ...size, method: "bilinear" });
}

/** Pixels of a cut at their place in the whole patch; around a contained picture it is grey. */
export function placeCut(pixels: Raster, { at }: Pick<Cut, "at">, size: Size): Raster {
  if (pixels.width === size.width && pixels.height === size.height) return pixels;
  const out = raster(size.width, size.height);
  out.data.fill(BORDER);
  for (let row = 0; row < pixels.height; row++) {
    const line = pixels.data.subarray(row * pixels.width * 3, (row + 1) * pixels.width * 3);
    out.data.set(line, ((at.y + row) * size.width + at.x) * 3);
  }
  return out;
}

/**
 * The patch of a frame box, as the model sees it without compression; all grey where the picture does not reach.
 *
 * @param picture The picture on the device.
 * @param view How it lies in the frame.
 * @param patch Box in frame pixels and decoded size.
 */
export function patchOf(
  picture: Raster,
  view: View,
  { box, size }: { readonly box: Box; readonly size: Size },
): Raster {
  const cut = cutOf(view, box, size);
  return cut === undefined
    ? placeCut(raster(1, 1, new Uint8Array(3).fill(BORDER)), { at: { x: 0, y: 0 } }, size)
    : placeCut(pixelsOf(picture, cut), cut, size);
}
