/**
 * Scorer: the weight of an endpoint in the locality-aware policy, after brpc's LALB.
 *
 *     weight = throughput / latency                       [answers per second per ms]
 *     weight *= 1.5 * latency / age    if the requests waiting are on average older than 1.5 * latency
 *
 * At rest all endpoints in use have the same latency: a fast one is given more until it is as slow as the rest.
 *
 * Repairs of the original (the reference lists its weaknesses):
 * - Throughput is pulled towards the pool's mean by PULL. With the bare quotient any split among equal endpoints
 *   is an equilibrium: one that lost its traffic while it was slow never gets it back after it recovers. With the pull
 *   the fair split is the only one, and a shunned endpoint regains its share by a factor e in 1 / PULL windows.
 *   It takes the place of brpc's floors (1 answer/s, weight 1000), which depend on the scale of the pool.
 * - A configured weight w pulls towards w times the mean per unit of weight, so that the fair split is that of the weights;
 *   as a plain factor it would feed back on itself through the measured throughput.
 * - Slow start: for its first 10 s a new endpoint is counted with the pool's mean throughput times a ramp from 10 %
 *   to 100 %. brpc gives it the mean weight at once, then one answer per second after its first.
 */
import type { Columns } from "../signals/columns.ts";
import { waitingAgeMs } from "../signals/in-flight.ts";
import { windowLatencyMs, windowRatePerSec } from "../signals/rate-window.ts";
import { nominalWeight } from "./weight.ts";

/** A tenfold slower endpoint keeps PULL / 10 = 3 % of a fair share; three windows bring a recovered one back. */
const PULL = 0.3;

/** brpc's punish_inflight_ratio. */
const AGE_RATIO = 1.5;

const RAMP_MS = 10_000;
const RAMP_FIRST = 0.1;

/** Below this an average is rounding of the caller's clock, and the quotient would run away. */
const LATENCY_MIN_MS = 0.001;

/** Keeps a weight that underflows from being taken for that of a slot that may not serve. */
const WEIGHT_MIN = 1e-30;

/** Writes the slot's weight as of now to `weights[at]`: as a result it would be boxed. */
export function writeLocalityWeight(
  columns: Columns,
  slot: number,
  nowMs: number,
  weights: Float64Array,
  at: number,
): void {
  const known = windowLatencyMs(columns, slot);
  const latencyMs = Math.max(LATENCY_MIN_MS, known >= 0 ? known : columns.typicalMs[0]! || 1);
  let weight = ratePerSec(columns, slot, nowMs) / latencyMs;
  const ageMs = waitingAgeMs(columns, slot, nowMs);
  const toleratedMs = AGE_RATIO * latencyMs;
  if (ageMs > toleratedMs) weight *= toleratedMs / ageMs;
  weights[at] = Math.max(WEIGHT_MIN, weight);
}

function ratePerSec(columns: Columns, slot: number, nowMs: number): number {
  const { traits, meanRatePerSec, ramp } = columns;
  const age = (nowMs - columns.joinedMs[slot]!) / RAMP_MS;
  if (age < 1) {
    // The configured slow start may be slower than this one, never the two together.
    const own = RAMP_FIRST + (1 - RAMP_FIRST) * Math.max(0, age);
    return meanRatePerSec[0]! * traits.weight[slot]! * Math.min(own, ramp[slot]!);
  }
  const mean = meanRatePerSec[0]! * nominalWeight(columns, slot);
  const measured = windowRatePerSec(columns, slot);
  if (measured < 0) return mean;
  return measured + (mean - measured) * PULL;
}
