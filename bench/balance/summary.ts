/**
 * From cells to what is reported. Quantiles up to p99 are medians over the rounds; p99.9 and the greatest latency are
 * those of all rounds together, for one round has too few such requests.
 */
import { median } from "../lib/stats.ts";
import { worksMs } from "./work.ts";
import type { Cell } from "./measure.ts";
import type { Scenario } from "./scenarios.ts";

export interface Line {
  readonly proxy: string;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** The rounds that count, and the p99 of each. */
  readonly rounds: readonly number[];
  readonly p99ByRoundMs: readonly number[];
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly requests: number;
  readonly errors: number;
  /** Of the attempts, in [0, 1]: those that went to the watched endpoints. */
  readonly watchedShare: number;
}

/** The value that a share q of the values does not exceed. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}

function summarise(scenario: Scenario, proxy: string, cells: readonly Cell[]): Line {
  const rounds = cells.map(({ latenciesMs }) => latenciesMs.toSorted((a, b) => a - b));
  const all = rounds.flat().toSorted((a, b) => a - b);
  const middle = (q: number): number => median(rounds.map((sorted) => quantile(sorted, q)));
  const attempts = (of: (index: number) => boolean): number =>
    cells.flatMap((cell) => cell.attempts.filter((_, index) => of(index))).reduce((sum, n) => sum + n, 0);
  return {
    proxy,
    p50Ms: middle(0.5),
    p90Ms: middle(0.9),
    p99Ms: middle(0.99),
    rounds: cells.map(({ round }) => round),
    p99ByRoundMs: rounds.map((sorted) => quantile(sorted, 0.99)),
    p999Ms: quantile(all, 0.999),
    maxMs: all.at(-1) ?? Number.NaN,
    requests: all.length,
    errors: cells.reduce((sum, { errors }) => sum + errors, 0),
    watchedShare: attempts((index) => scenario.watched.indexes.includes(index)) / attempts(() => true),
  };
}

/** p99 of the work alone, as the median of the rounds: the least that any p99 can be. */
export function floorMs(cells: readonly Cell[]): number {
  const rounds = new Map(
    cells.map(({ seed, warmUp, latenciesMs }) => [seed, [warmUp, latenciesMs.length] as const]),
  );
  return median(
    Array.from(rounds, ([seed, [from, count]]) =>
      quantile(
        worksMs(seed, from, count).toSorted((a, b) => a - b),
        0.99,
      ),
    ),
  );
}

export function linesOf(
  scenario: Scenario,
  proxies: readonly string[],
  cells: readonly Cell[],
): readonly Line[] {
  return proxies.flatMap((proxy) => {
    const own = cells.filter((cell) => cell.proxy === proxy && cell.scenario === scenario.name);
    // By round, so that two proxies' rounds can be set side by side.
    return own.length === 0
      ? []
      : [
          summarise(
            scenario,
            proxy,
            own.toSorted((a, b) => a.round - b.round),
          ),
        ];
  });
}
