/**
 * How evenly requests were spread: over the endpoints, and over time.
 *
 * Imbalance compares what endpoints got in all, per unit of capacity (slots * speed), among those that were members all the time.
 * Oscillation follows each endpoint's share of the attempts from second to second, relative to its own mean: the
 * deviation, and the correlation of neighbouring seconds, each the mean over endpoints. Independent choice gives a
 * deviation of 1 / sqrt(attempts per endpoint and second) and a correlation near 0; swings show as a larger deviation
 * with a correlation near 1 (slow) or -1 (every other second). Endpoints on which a fault ever lies are left out, as long as there are others.
 */
import type { Run } from "../run.ts";
import { BIN_MS } from "./share-log.ts";

export interface Imbalance {
  readonly maxOverMean: number;
  /** Standard deviation over mean. */
  readonly cov: number;
}

export interface Oscillation {
  readonly deviation: number;
  readonly correlation: number;
}

const BINS_PER_SEC = 1000 / BIN_MS;

export function imbalanceOf({ recorder, scenario, fleet }: Run): Imbalance {
  const sums = recorder.shares.sums(Math.ceil(scenario.warmUpMs / BIN_MS), recorder.shares.bins);
  const loads = fleet.servers
    .filter(({ group }) => group.joinsMs === 0 && group.leavesMs >= scenario.durationMs)
    .map(({ index, group }) => sums[index]! / (group.slots * group.speed));
  const { mean, deviation } = moments(loads);
  if (mean === 0) return { maxOverMean: 0, cov: 0 };
  return {
    maxOverMean: loads.reduce((most, load) => Math.max(most, load), 0) / mean,
    cov: deviation / mean,
  };
}

export function oscillationOf({ recorder, scenario, episodes, fleet }: Run): Oscillation {
  const everSick = new Set(episodes.flatMap(({ servers }) => servers.map(({ index }) => index)));
  const sound = fleet.servers.map(({ index }) => index).filter((index) => !everSick.has(index));
  const watched = sound.length === 0 ? fleet.servers.map(({ index }) => index) : sound;
  const shares = sharesPerSecond(recorder.shares, Math.ceil(scenario.warmUpMs / 1000));
  const swings = watched.map((server) => swingOf(shares.map((second) => second[server]!)));
  return {
    deviation: moments(swings.map(({ deviation }) => deviation)).mean,
    correlation: moments(swings.map(({ correlation }) => correlation)).mean,
  };
}

function sharesPerSecond(log: Run["recorder"]["shares"], fromSecond: number): readonly Float64Array[] {
  const seconds: Float64Array[] = [];
  for (let second = fromSecond; (second + 1) * BINS_PER_SEC <= log.bins; second++) {
    const sums = log.sums(second * BINS_PER_SEC, (second + 1) * BINS_PER_SEC);
    const all = sums.reduce((sum, count) => sum + count, 0);
    if (all > 0) seconds.push(sums.map((count) => count / all));
  }
  return seconds;
}

function swingOf(values: readonly number[]): Oscillation {
  const { mean, deviation } = moments(values);
  if (mean === 0 || deviation === 0) return { deviation: 0, correlation: 0 };
  let products = 0;
  for (let i = 1; i < values.length; i++) products += (values[i]! - mean) * (values[i - 1]! - mean);
  return { deviation: deviation / mean, correlation: products / (values.length * deviation * deviation) };
}

function moments(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  if (values.length === 0) return { mean: 0, deviation: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}
