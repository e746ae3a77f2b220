/**
 * The figures of a run: what is printed, drawn and asserted. docs/simulator.md defines each.
 *
 * Times are milliseconds, shares and ratios fractions. Plain data: it goes out as JSON as it stands.
 */
import type { Run } from "../run.ts";
import { episodeFigures, type EpisodeFigures } from "./episodes.ts";
import { imbalanceOf, oscillationOf, type Imbalance, type Oscillation } from "./spread.ts";
import { BIN_MS } from "./share-log.ts";

export interface Figures {
  readonly policy: string;
  /** Simulated in all, warm-up included. */
  readonly simulated: number;
  /** Of those, the ones that count for what follows. */
  readonly requests: number;
  readonly endings: Readonly<Record<string, number>>;
  readonly errorRatio: number;
  readonly goodputPerSec: number;
  readonly latencyMs: {
    readonly mean: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly p999: number;
    readonly max: number;
  };
  readonly rif: {
    readonly mean: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  readonly utilisation: { readonly mean: number; readonly max: number };
  readonly imbalance: Imbalance;
  readonly oscillation: Oscillation;
  readonly attemptsPerRequest: number;
  readonly triesPerRequest: number;
  /** The longest time that one endpoint had more than twice the mean of requests in flight. */
  readonly hotLongestMs: number;
  readonly lostToFaults: number;
  readonly episodes: readonly EpisodeFigures[];
  readonly series: Series;
}

/** One entry per second of the run, warm-up included. */
export interface Series {
  readonly p50Ms: readonly number[];
  readonly p99Ms: readonly number[];
  /** Of the requests that arrived in that second, the share that was answered well. */
  readonly goodRatio: readonly number[];
  /** Of all servers that a fault ever lies on together; empty where there is none. */
  readonly sickShare: readonly number[];
}

export function figuresOf(run: Run): Figures {
  const { scenario, contender, recorder, fleet } = run;
  const { latency, rif, endings } = recorder;
  const requests = Object.values(endings).reduce((sum, count) => sum + count, 0);
  const measuredSec = (scenario.durationMs - scenario.warmUpMs) / 1000;
  const busy = fleet.servers.map(
    ({ index, group }) =>
      (recorder.busyUntilMs[index]! - recorder.busyFromMs[index]!) / (group.slots * measuredSec * 1000),
  );
  const episodes = run.episodes.map((_, index) => episodeFigures(run, index));
  return {
    policy: contender.name,
    simulated: recorder.offered.reduce((sum, count) => sum + count, 0),
    requests,
    endings: { ...endings },
    errorRatio: ratio(requests - endings.ok, requests),
    goodputPerSec: endings.ok / measuredSec,
    latencyMs: {
      mean: latency.mean,
      p50: latency.quantile(0.5),
      p90: latency.quantile(0.9),
      p99: latency.quantile(0.99),
      p999: latency.quantile(0.999),
      max: latency.max,
    },
    rif: {
      mean: rif.mean,
      p50: rif.quantile(0.5),
      p90: rif.quantile(0.9),
      p99: rif.quantile(0.99),
      max: rif.max,
    },
    utilisation: {
      mean: busy.reduce((sum, each) => sum + each, 0) / busy.length,
      max: busy.reduce((most, each) => Math.max(most, each), 0),
    },
    imbalance: imbalanceOf(run),
    oscillation: oscillationOf(run),
    attemptsPerRequest: ratio(recorder.attempts, requests),
    triesPerRequest: ratio(recorder.tries, requests),
    hotLongestMs: recorder.hotLongestMs,
    lostToFaults: recorder.lost,
    episodes,
    series: seriesOf(run),
  };
}

function seriesOf({ recorder, episodes }: Run): Series {
  const sick = [...new Set(episodes.flatMap(({ servers }) => servers.map(({ index }) => index)))];
  const binsPerSec = 1000 / BIN_MS;
  return {
    p50Ms: recorder.seconds.map(({ p50Ms }) => p50Ms),
    p99Ms: recorder.seconds.map(({ p99Ms }) => p99Ms),
    goodRatio: [...recorder.offered].map((offered, second) => ratio(recorder.good[second]!, offered)),
    sickShare:
      sick.length === 0
        ? []
        : [...recorder.offered].map(
            (_, second) => recorder.shares.share(sick, second * binsPerSec, (second + 1) * binsPerSec) ?? 0,
          ),
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
