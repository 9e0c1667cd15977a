/**
 * What one request means: open the state, look, let the method speak, seal the state. Knows neither HTTP nor a runtime; the
 * clock is passed in.
 *
 * @module
 */
import { type Bundle, methodOf, operatingPoint } from "../../core/bundle/mod.ts";
import type { View } from "../../core/geometry/mod.ts";
import type { Raster } from "../../core/image/mod.ts";
import {
  type Ask,
  batchingRun,
  deviceView,
  glanceOf,
  type GridState,
  type Method,
  remaining,
  type Run,
  type Spent,
  type Turn,
} from "../../core/policy/mod.ts";
import { type Memory, openState, sealState, type WireTurn } from "../protocol/mod.ts";
import type { CallContext, Engine, EngineOptions, FocusCall, GlanceCall } from "./calls.ts";
import { createGate } from "./gate.ts";
import { bindingOf, bundleOfState, decodeState, pointOf } from "./episodes.ts";
import { admitPatches, type AdmittedPatch, blanks, decodePatches, isBlank } from "./patches.ts";
import { admit, decoded } from "./pictures.ts";
import { turnBase, type TurnContext, usualCost, wirePlan } from "./turns.ts";

/** What does not change in the course of one classification. */
interface Episode {
  readonly bundle: Bundle;
  readonly method: Method<GridState>;
  readonly run: Run;
  readonly view: View;
}

/** What changes from turn to turn, as it is when the method is asked. */
type Progress = Omit<Memory, "issued" | "expires" | "plan">;

/** An engine over a catalogue. */
export function createEngine(options: EngineOptions): Engine {
  const { catalog, compute, keys, limits, now, maxRows, queueDelayMs } = options;
  const gate = createGate(limits);
  const runs = new WeakMap<Bundle, Run>();

  /** Batches of all callers of a bundle are made together; a caller that is gone asks for nothing more. */
  function runFor(bundle: Bundle, signal: AbortSignal): Run {
    const key = bundleKey(bundle);
    const shared = runs.get(bundle) ?? batchingRun(
      (network, inputs) => compute.run(key, network, inputs),
      { maxRows, parallel: compute.parallel, delayMs: queueDelayMs },
    );
    runs.set(bundle, shared);
    return async (network, inputs) => {
      signal.throwIfAborted();
      return await shared(network, inputs);
    };
  }

  function episode(bundle: Bundle, { point, picture }: Progress, signal: AbortSignal): Episode {
    return {
      bundle,
      method: methodOf(bundle.manifest, operatingPoint(bundle.manifest, point)),
      run: runFor(bundle, signal),
      view: deviceView(picture, bundle.manifest),
    };
  }

  /** Lets the method see patches that show nothing of the picture until it says something the caller can act on. */
  async function settle(
    { method, run, view }: Episode,
    first: Promise<Turn<GridState>>,
    ask: Ask,
  ): Promise<Turn<GridState>> {
    let turn = await first;
    while (turn.kind === "look" && turn.plan.every((patch) => isBlank(view, patch))) {
      turn = await method.resume(run, turn.state, blanks(turn.plan, view), ask);
    }
    return turn;
  }

  async function answer(one: Episode, turn: Turn<GridState>, progress: Progress): Promise<WireTurn> {
    const context: TurnContext = { bundle: one.bundle, ...progress };
    const base = turnBase(turn.belief, context);
    if (turn.kind === "answer") return { ...base, stop: true, because: turn.because };
    const issued = now();
    const expires = issued + 1000 * limits.stateMaxAgeSeconds;
    const memory: Memory = { ...progress, issued, expires, plan: turn.plan };
    const method = one.method.state.encode(turn.state);
    const state = await sealState(keys, bindingOf(one.bundle), { memory, method });
    return { ...base, stop: false, plan: wirePlan(turn.plan, one.view, context), state };
  }

  async function glance(call: GlanceCall, timed: Timed, signal: AbortSignal): Promise<WireTurn> {
    const { request, image } = call;
    const bundle = catalog.find(call.model, call.version);
    const point = pointOf(bundle, request.point);
    const admitted = admit("glance", image, limits);
    const pixels = await timed("decode", decoded(compute, admitted));
    const progress: Progress = {
      turn: 0,
      point,
      top: request.top,
      picture: request.picture ?? admitted.size,
      budget: request.budget,
      cost: request.cost ?? usualCost(bundle),
      spent: { patches: 0, bytes: image.length, turns: 0 },
    };
    const one = episode(bundle, progress, signal);
    const ask = askOf(progress);
    const begun = one.method.begin(one.run, asGlance(pixels, bundle), ask);
    return await answer(one, await timed("think", settle(one, begun, ask)), progress);
  }

  async function focus(call: FocusCall, timed: Timed, signal: AbortSignal): Promise<WireTurn> {
    const bundle = bundleOfState(catalog, call.model, call.state);
    const opened = await openState(keys, bindingOf(bundle), call.state, { now: now() });
    const { issued: _, expires: __, plan, ...before } = opened.memory;
    const one = episode(bundle, before, signal);
    const state = decodeState(one.method, opened.method);
    const admitted = admitPatches(call.patches, plan, one.view, limits);
    const seen = await timed("decode", decodePatches(compute, admitted, one.view));
    const progress: Progress = {
      ...before,
      turn: before.turn + 1,
      spent: spentAfter(before.spent, admitted),
    };
    const ask = askOf(progress);
    const resumed = one.method.resume(one.run, state, [...seen, ...blanks(plan, one.view)], ask);
    return await answer(one, await timed("think", settle(one, resumed, ask)), progress);
  }

  function admitting<C>(
    work: (call: C, timed: Timed, signal: AbortSignal) => Promise<WireTurn>,
  ): (call: C, context: CallContext) => Promise<WireTurn> {
    return (call, { signal, timing }) => {
      const arrived = performance.now();
      const timed: Timed = async (part, done) => {
        const started = performance.now();
        const result = await done;
        timing(part, performance.now() - started);
        return result;
      };
      return gate.run(signal, (inner) => {
        timing("wait", performance.now() - arrived);
        return work(call, timed, inner);
      });
    };
  }

  return { catalog, limits, gate, glance: admitting(glance), focus: admitting(focus) };
}

/** What a bundle is called where it is computed. */
export function bundleKey({ manifest, weightHash }: Bundle): string {
  return `${manifest.id}/${manifest.version}/${weightHash}`;
}

/** Measures how long a part takes. */
type Timed = <T>(part: "decode" | "think", done: Promise<T>) => Promise<T>;

/** An image of the glance's size is the glance; any other one is the picture, from which the glance is made. */
function asGlance(pixels: Raster, { manifest }: Bundle): Raster {
  const { width, height } = manifest.glance;
  return pixels.width === width && pixels.height === height ? pixels : glanceOf(pixels, manifest);
}

function askOf({ budget, spent, cost }: Progress): Ask {
  return { budget: remaining(budget, spent), cost };
}

function spentAfter(spent: Spent, patches: readonly AdmittedPatch[]): Spent {
  return {
    patches: spent.patches + patches.length,
    bytes: patches.reduce((total, { bytes }) => total + bytes.length, spent.bytes),
    turns: spent.turns + 1,
  };
}
