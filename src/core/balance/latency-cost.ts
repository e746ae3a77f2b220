/**
 * Scorer: what one more request to an endpoint is expected to cost, in milliseconds times queue.
 *
 *     cost = (latency + e * 100 * typical) * (1 + inFlight + e * meanInFlight)
 *
 * latency: the peak EWMA as of now, or the mean age of the requests still waiting for an answer if that is more
 * (an endpoint that hangs gives no samples; its silence counts instead).
 * e: recent error ratio. An error costs the caller as much as ERROR_COST typical answers; the charge is a multiple
 * of the pool's own latency, not a fixed time, so it is neither absurd for a 1 ms cache nor trifling
 * for a 30 s model. An endpoint that fails fast is also always empty; `e * meanInFlight` keeps that emptiness
 * from counting as room.
 *
 * In-flight requests count per unit of the endpoint's weight (weight.ts): twice the weight, twice the queue is as good.
 *
 * No history: an idle endpoint costs next to nothing, so the first request that sees it tries it; while that one
 * runs, the pool's typical latency stands in, so a new endpoint is treated as an average one: not starved, not
 * flooded. Sources: Finagle PeakEwma (product form, first probe), linkerd (penalty), brpc (ageing).
 */
import type { Factor } from "../../model/explanation.ts";
import type { Columns } from "../signals/columns.ts";
import { errorRatioNow } from "../signals/error-ratio.ts";
import { waitingAgeMs } from "../signals/in-flight.ts";
import { latencyNow } from "../signals/peak-ewma.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

/** An endpoint with 1 % errors costs about twice a clean one, with 10 % eleven times, with 100 % a hundred times. */
export const ERROR_COST = 100;

/** Keeps the product from vanishing when an estimate has decayed away: then requests in flight alone decide. */
const LATENCY_MIN_MS = 0.001;

/** Stands in for `typical` before the first answer of the pool: any value, as all endpoints share it. */
const LATENCY_UNKNOWN_MS = 1;

/**
 * The slot where the next request costs less; `eligible`: how many endpoints share what is in flight. The two costs
 * are left in `costs`.
 */
export function cheaperOf(
  columns: Columns,
  first: number,
  second: number,
  eligible: number,
  nowMs: number,
  costs: Float64Array,
): number {
  writeLatencyCost(columns, first, eligible, nowMs, costs, 0);
  writeLatencyCost(columns, second, eligible, nowMs, costs, 1);
  // A tie goes to the first; the sampler drew both alike.
  return costs[1]! < costs[0]! ? second : first;
}

/** Writes the cost to `costs[at]`: as a result it would be boxed, and so would the parts it is made of. */
export function writeLatencyCost(
  columns: Columns,
  slot: number,
  eligible: number,
  nowMs: number,
  costs: Float64Array,
  at: number,
): void {
  const inFlight = columns.inFlight[slot]!;
  writeEffectiveLatency(columns, slot, inFlight, nowMs, costs, at);
  const ratio = errorRatioNow(columns, slot, nowMs);
  const queue = 1 + inFlight / nominalWeight(columns, slot) + (ratio * columns.inFlightTotal) / eligible;
  costs[at] = costs[at]! * queue;
}

/** The first factor of the cost, [ms], for an endpoint with `inFlight` requests, written to `into[at]`. */
export function writeEffectiveLatency(
  columns: Columns,
  slot: number,
  inFlight: number,
  nowMs: number,
  into: Float64Array,
  at: number,
): void {
  const typicalMs = columns.typicalMs[0]! || LATENCY_UNKNOWN_MS;
  let latencyMs = latencyNow(columns, slot, nowMs);
  if (latencyMs < 0) latencyMs = inFlight === 0 ? 0 : typicalMs;
  if (latencyMs < LATENCY_MIN_MS) latencyMs = LATENCY_MIN_MS;
  const ageMs = waitingAgeMs(columns, slot, nowMs);
  if (ageMs > latencyMs) latencyMs = ageMs;
  into[at] = latencyMs + errorRatioNow(columns, slot, nowMs) * ERROR_COST * typicalMs;
}

/** The same for those who are in no hurry. */
export function effectiveLatencyMs(columns: Columns, slot: number, inFlight: number, nowMs: number): number {
  const cell = new Float64Array(1);
  writeEffectiveLatency(columns, slot, inFlight, nowMs, cell, 0);
  return cell[0]!;
}

export function latencyFactors(
  columns: Columns,
  slot: number,
  eligible: number,
  nowMs: number,
): readonly Factor[] {
  const ratio = errorRatioNow(columns, slot, nowMs);
  const inFlight = columns.inFlight[slot]!;
  const latencyMs = latencyNow(columns, slot, nowMs);
  return [
    ...(latencyMs < 0 ? [] : [{ name: "latency", value: latencyMs, unit: "ms" }]),
    { name: "age", value: waitingAgeMs(columns, slot, nowMs), unit: "ms" },
    { name: "errorRatio", value: ratio, unit: "" },
    { name: "typical", value: columns.typicalMs[0]!, unit: "ms" },
    {
      name: "effectiveLatency",
      value: effectiveLatencyMs(columns, slot, inFlight, nowMs),
      unit: "ms",
    },
    { name: "meanInFlight", value: columns.inFlightTotal / eligible, unit: "requests" },
    ...commonFactors(columns, slot),
  ];
}
