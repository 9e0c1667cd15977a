/**
 * One picture played as an episode, with the device's side of it simulated exactly: cut, encoded, decoded.
 *
 * @module
 */
import type { Manifest } from "../../core/bundle/mod.ts";
import { cutOf, type View, whole } from "../../core/geometry/mod.ts";
import { decode, encode, type Raster, raster } from "../../core/image/mod.ts";
import {
  type Because,
  type Belief,
  type Budget,
  deviceView,
  glanceOf,
  JPEG_COST,
  type Method,
  type Patch,
  patchOf,
  pixelsOf,
  placeCut,
  remaining,
  type Run,
  type SourceCost,
} from "../../core/policy/mod.ts";

/** Something as the server sees it, and what sending it took. */
export interface Sent {
  /** Pixels after decoding. */
  readonly pixels: Raster;
  /** Length of its file; 0 where bytes were not asked for or nothing had to be sent. */
  readonly bytes: number;
  /** False where the patch shows nothing of the picture, so that nothing is sent. */
  readonly shown: boolean;
}

/** Which of the things a device sends need their bytes: encoding what is lossless changes no pixel and takes time. */
export interface SendOptions {
  /** Whether bytes are counted. */
  readonly counted: boolean;
}

/** A picture on a device. Patches are encoded once, however many episodes ask for them. */
export class Device {
  readonly #picture: Raster;
  readonly #model: Manifest;
  readonly #view: View;
  readonly #transfer: Manifest["transfer"];
  readonly #patches = new Map<number, Promise<Sent>>();

  /**
   * A picture that will be sent to a model.
   *
   * @param picture The picture.
   * @param model What it is sent to.
   * @param transfer How it is sent. @default as the model says
   */
  constructor(picture: Raster, model: Manifest, transfer: Manifest["transfer"] = model.transfer) {
    this.#picture = picture;
    this.#model = model;
    this.#view = deviceView(picture, model);
    this.#transfer = transfer;
  }

  /** The glance. */
  async glance({ counted }: SendOptions): Promise<Sent> {
    return await through(glanceOf(this.#picture, this.#model), this.#transfer.glance, counted);
  }

  /** A patch. */
  patch(patch: Patch, { counted }: SendOptions): Promise<Sent> {
    const key = counted || !isLossless(this.#transfer.patch) ? patch.id : -1 - patch.id;
    const sent = this.#patches.get(key) ?? this.#send(patch, counted);
    this.#patches.set(key, sent);
    return sent;
  }

  async #send({ box, size }: Patch, counted: boolean): Promise<Sent> {
    const cut = cutOf(this.#view, box, size);
    if (cut === undefined) {
      return { pixels: patchOf(raster(1, 1), this.#view, { box, size }), bytes: 0, shown: false };
    }
    const { pixels, bytes } = await through(pixelsOf(this.#picture, cut), this.#transfer.patch, counted);
    return { pixels: placeCut(pixels, cut, size), bytes, shown: true };
  }

  /**
   * The same picture as a server has it to which the whole frame was sent in one file, encoded as patches are; and the bytes of
   * that file. Where nothing is lost bytes are counted only if asked for.
   */
  async whole({ counted }: SendOptions): Promise<{ readonly device: Device; readonly bytes: number }> {
    const { frame } = this.#model;
    const cut = cutOf(this.#view, whole(frame), frame);
    if (cut === undefined) return { device: this, bytes: 0 };
    const { pixels, bytes } = await through(pixelsOf(this.#picture, cut), this.#transfer.patch, counted);
    const arrived = { glance: this.#transfer.glance, patch: { type: "image/png" as const } };
    return { device: new Device(placeCut(pixels, cut, frame), this.#model, arrived), bytes };
  }
}

type Transfer = Manifest["transfer"]["patch"];

function codec({ type, quality }: Transfer): { type: Transfer["type"]; quality?: number } {
  return quality === undefined ? { type } : { type, quality };
}

function isLossless({ type }: Transfer): boolean {
  return type === "image/png";
}

/** Encoded and decoded again; what is lossless is not decoded, and only encoded where its bytes count. */
async function through(pixels: Raster, transfer: Transfer, counted: boolean): Promise<Sent> {
  const lossless = isLossless(transfer);
  if (lossless && !counted) return { pixels, bytes: 0, shown: true };
  const bytes = await encode(pixels, codec(transfer));
  return { pixels: lossless ? pixels : await decode(bytes), bytes: bytes.length, shown: true };
}

/** What {@link play} needs. */
export interface PlayOptions<State> {
  /** How to look. */
  readonly method: Method<State>;
  /** Runs networks. */
  readonly run: Run;
  /** The picture. */
  readonly device: Device;
  /** What may be spent. @default nothing is limited */
  readonly budget?: Budget;
  /** What fetching is expected to cost. @default JPEG_COST */
  readonly cost?: SourceCost;
  /** Whether bytes are counted; a budget in bytes needs them. @default true */
  readonly counted?: boolean;
}

/** An episode that has ended. */
export interface Episode {
  /** The belief it ended with. */
  readonly belief: Belief;
  /** Why it ended. */
  readonly because: Because;
  /** Cells that were sent, in order. */
  readonly cells: readonly number[];
  /** Turns of looking. */
  readonly turns: number;
  /** Bytes of the glance. */
  readonly glanceBytes: number;
  /** Bytes of all patches. */
  readonly patchBytes: number;
  /** The belief of every turn, the last one included. */
  readonly beliefs: readonly Belief[];
  /** How many patches of every turn's plan show something of the picture: a server asks only for those. */
  readonly asked: readonly number[];
}

/** Plays a picture to its end, as client and server would. */
export async function play<State>(options: PlayOptions<State>): Promise<Episode> {
  const { method, run, device, budget = {}, cost = JPEG_COST } = options;
  const send = { counted: options.counted ?? true };
  const glance = await device.glance(send);
  const cells: number[] = [];
  const beliefs: Belief[] = [];
  const asked: number[] = [];
  let patchBytes = 0;
  let turns = 0;
  const ask = (): { budget: Budget; cost: SourceCost } => ({
    budget: remaining(budget, { patches: cells.length, bytes: glance.bytes + patchBytes, turns }),
    cost,
  });
  let turn = await method.begin(run, glance.pixels, ask());
  while (turn.kind === "look") {
    beliefs.push(turn.belief);
    const got = await Promise.all(turn.plan.map(async ({ id, box, size, gain }) => ({
      id,
      ...await device.patch({ id, box, size, gain }, send),
    })));
    // A plan is made of expected bytes; like the client, keep to the budget whatever the files turn out to weigh.
    let left = (budget.bytes ?? Infinity) - glance.bytes - patchBytes;
    const seen = got.filter(({ bytes }) => {
      if (bytes > left) return false;
      left -= bytes;
      return true;
    });
    for (const { id, shown, bytes } of seen) {
      if (shown) cells.push(id);
      patchBytes += bytes;
    }
    asked.push(got.filter(({ shown }) => shown).length);
    if (asked.at(-1)! > 0) turns += 1;
    turn = await method.resume(run, turn.state, seen.map(({ id, pixels }) => ({ id, pixels })), ask());
  }
  beliefs.push(turn.belief);
  const { belief, because } = turn;
  asked.push(0);
  return { belief, because, cells, turns, glanceBytes: glance.bytes, patchBytes, beliefs, asked };
}
