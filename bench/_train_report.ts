/**
 * The page of `train_bench.ts`.
 *
 * @module
 */
import { median, settingLines } from "./_results.ts";
import type { Timing } from "./_train_probe.ts";
import type { Results, Trial } from "./train_bench.ts";

/** What the others are measured against. */
const YARDSTICK = "torch-channels-last";
/** From this load average on, something else was running. */
const QUIET_LOAD = 1;

/** A share for people. */
export const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

/** Images per second of each trial. */
function rates(trials: readonly Trial[], kind: "train" | "forward"): number[] {
  const rate = ({ stepMs }: Timing, batch: number): number => batch / stepMs * 1000;
  return trials.map((trial) => rate(trial[kind], trial.batch));
}

function cells(trials: readonly Trial[], yardstick: readonly Trial[], kind: "train" | "forward"): string[] {
  const own = rates(trials, kind);
  const digits = median(own) < 10 ? 2 : median(own) < 100 ? 1 : 0;
  // Machines drift: an engine is compared with the yardstick of its own round.
  const pairs = trials.flatMap((trial, i) => {
    const other = yardstick.filter(({ round }) => round === trial.round);
    return other.length === 0 ? [] : [own[i]! / rates(other, kind)[0]!];
  });
  const share = pairs.length === 0 ? "–" : median(pairs).toFixed(2);
  const spread = `${Math.min(...own).toFixed(digits)}–${Math.max(...own).toFixed(digits)}`;
  return [median(own).toFixed(digits), spread, share];
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** The results as Markdown. */
export function render(results: Results): string {
  const { trials, absences } = results;
  const stolen = trials.length === 0 ? [0] : trials.map((trial) => trial.stolen);
  const networks = distinct([...trials, ...absences].map(({ network }) => network));
  const lines = [
    "# Training speed",
    "",
    "Written by `bench/train_bench.ts`; the raw numbers are in `train.json`.",
    "",
    ...settingLines(results),
    `- ${results.threads} threads wherever an engine takes more than one`,
    ...distinct(trials.map(({ engine, version, threads }) => `- ${engine}: ${version}, threads: ${threads}`)),
    `- ${results.rounds} rounds (wasm, webgpu and cpu: one), each measurement a process of its own, engines in turn; ` +
    `${results.seconds} s each of training and of forward passes after the warm-up`,
    `- Load average before ${results.load.before.toFixed(2)}, after ${results.load.after.toFixed(2)}`,
    `- Neighbours on the same hardware took ${
      percent(median(stolen))
    } of the processors (median of the measurements), ` +
    `${percent(Math.max(...stolen))} at most`,
  ];
  const others = results.load.before;
  if (others >= QUIET_LOAD) {
    lines.push(
      "",
      `**Something else was running (load average ${
        others.toFixed(2)
      }): the numbers are too low and drift.**`,
    );
  }
  lines.push(
    "",
    "Images per second, median of the rounds; `range` is the lowest and the highest round; `share` is of PyTorch in its " +
      "channels-last layout, the median of the shares within each round.",
  );
  for (const network of networks) {
    const of = (engine: string): Trial[] =>
      trials.filter((each) => each.network === network && each.engine === engine);
    const yardstick = of(YARDSTICK);
    lines.push(
      "",
      `## ${network}`,
      "",
      "| engine | batch | training | range | share | forward | range | share | peak memory, MiB |",
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for (const engine of distinct([...trials, ...absences].map((each) => each.engine))) {
      const own = of(engine);
      const absence = absences.find((each) => each.network === network && each.engine === engine);
      if (own.length > 0) {
        const columns = [...cells(own, yardstick, "train"), ...cells(own, yardstick, "forward")];
        const memory = median(own.map(({ peakMemoryMiB }) => peakMemoryMiB));
        lines.push(`| ${[engine, own[0]!.batch, ...columns, Math.round(memory)].join(" | ")} |`);
      } else if (absence !== undefined) {
        lines.push(`| ${engine} | – | not measured: ${absence.missing.replaceAll("|", "\\|")} | | | | | | |`);
      }
    }
  }
  return `${lines.join("\n")}\n`;
}
