/**
 * Figures as an aligned table for people: one row per figure with its unit, one column per policy.
 */
import type { EpisodeFigures } from "../measure/episodes.ts";
import type { Figures } from "../measure/figures.ts";
import type { Scenario } from "../scenario/scenario.ts";

type Row = readonly [label: string, cell: (figures: Figures, scenario: Scenario) => string];

const ROWS: readonly Row[] = [
  ["latency mean [ms]", ({ latencyMs }) => significant(latencyMs.mean)],
  ["latency p50 [ms]", ({ latencyMs }) => significant(latencyMs.p50)],
  ["latency p90 [ms]", ({ latencyMs }) => significant(latencyMs.p90)],
  ["latency p99 [ms]", ({ latencyMs }) => significant(latencyMs.p99)],
  ["latency p99.9 [ms]", ({ latencyMs }) => significant(latencyMs.p999)],
  ["latency max [ms]", ({ latencyMs }) => significant(latencyMs.max)],
  ["goodput [1/s]", ({ goodputPerSec }) => goodputPerSec.toFixed(1)],
  ["errors [%]", ({ errorRatio }) => percent(errorRatio)],
  ["attempts per request", ({ attemptsPerRequest }) => attemptsPerRequest.toFixed(3)],
  ["RIF mean", ({ rif }) => rif.mean.toFixed(2)],
  ["RIF p50 / p90", ({ rif }) => `${rif.p50} / ${rif.p90}`],
  ["RIF p99 / max", ({ rif }) => `${rif.p99} / ${rif.max}`],
  ["above twice mean RIF for [ms]", ({ hotLongestMs }) => hotLongestMs.toFixed(0)],
  ["utilisation mean [%]", ({ utilisation }) => percent(utilisation.mean)],
  ["utilisation max [%]", ({ utilisation }) => percent(utilisation.max)],
  ["load max / mean", ({ imbalance }) => imbalance.maxOverMean.toFixed(3)],
  ["load CoV", ({ imbalance }) => imbalance.cov.toFixed(3)],
  ["share deviation", ({ oscillation }) => oscillation.deviation.toFixed(3)],
  ["share lag-1 correlation", ({ oscillation }) => oscillation.correlation.toFixed(2)],
];

const CLIENT_ROWS: readonly Row[] = [
  ["tries per request", ({ triesPerRequest }) => triesPerRequest.toFixed(3)],
];

const FAULT_ROWS: readonly Row[] = [
  ["attempts into faults", ({ episodes }) => String(episodes.reduce((sum, { hits }) => sum + hits, 0))],
  ["requests lost to faults", ({ lostToFaults }) => String(lostToFaults)],
  ["time to shun [ms]", ({ episodes }) => worst(episodes, ({ shunMs }) => shunMs)],
  // A fault that lasts to the end has no return to wait for.
  [
    "time to return [ms]",
    ({ episodes }, { durationMs }) =>
      worst(
        episodes.filter(({ untilMs }) => untilMs < durationMs),
        ({ returnMs }) => returnMs,
      ),
  ],
];

export function tableText(scenario: Scenario, all: readonly Figures[]): string {
  const rows = [
    ...ROWS,
    ...(scenario.clients.attempts > 1 ? CLIENT_ROWS : []),
    ...(scenario.faults.length > 0 ? FAULT_ROWS : []),
  ];
  const cells = [["", ...all.map(({ policy }) => policy)]];
  for (const [label, cell] of rows) cells.push([label, ...all.map((figures) => cell(figures, scenario))]);
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  return `${heading(scenario, all)}\n\n${lines.join("\n")}\n`;
}

function heading({ name, seed, durationMs, warmUpMs }: Scenario, all: readonly Figures[]): string {
  const counted = Math.max(0, ...all.map(({ requests }) => requests));
  const span = `seconds ${warmUpMs / 1000} to ${durationMs / 1000}`;
  return `${name}, seed ${seed}: ${counted} requests of ${span}`;
}

/** Of several episodes the slowest; "never" if it did not come about in one of them. */
function worst(episodes: readonly EpisodeFigures[], of: (episode: EpisodeFigures) => number | null): string {
  if (episodes.length === 0) return "-";
  let most = 0;
  for (const episode of episodes) {
    const time = of(episode);
    if (time === null) return "never";
    most = Math.max(most, time);
  }
  return most.toFixed(0);
}

/** Three figures that mean something, whatever the scale. */
function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

function percent(ratio: number): string {
  return (ratio * 100).toFixed(2);
}
