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
 * No history: an idle endpoint costs next to nothing, so the first request that sees it tries it; while that one
 * runs, the pool's typical latency stands in, so a new endpoint is treated as an average one: not starved, not
 * flooded. Sources: Finagle PeakEwma (product form, first probe), linkerd (penalty), brpc (ageing).
 */
import type { Columns } from "../signals/columns.ts";
import { errorRatioNow } from "../signals/error-ratio.ts";
import { waitingAgeMs } from "../signals/in-flight.ts";
import { latencyNow } from "../signals/peak-ewma.ts";

/** An endpoint with 1 % errors costs about twice a clean one, with 10 % eleven times, with 100 % a hundred times. */
export const ERROR_COST = 100;

/** Keeps the product from vanishing when an estimate has decayed away: then requests in flight alone decide. */
const LATENCY_MIN_MS = 0.001;

/** Stands in for `typical` before the first answer of the pool: any value, as all endpoints share it. */
const LATENCY_UNKNOWN_MS = 1;

/** The slot where the next request costs less; `eligible`: how many endpoints share what is in flight. */
export function cheaperOf(
  columns: Columns,
  first: number,
  second: number,
  eligible: number,
  nowMs: number,
): number {
  const meanInFlight = columns.inFlightTotal / eligible;
  const firstCost = latencyCost(columns, first, meanInFlight, nowMs);
  // A tie goes to the first; the sampler drew both alike.
  return latencyCost(columns, second, meanInFlight, nowMs) < firstCost ? second : first;
}

export function latencyCost(columns: Columns, slot: number, meanInFlight: number, nowMs: number): number {
  const ratio = errorRatioNow(columns, slot, nowMs);
  const inFlight = columns.inFlight[slot]!;
  const latencyMs = effectiveLatencyMs(columns, slot, inFlight, ratio, nowMs);
  return latencyMs * (1 + inFlight + ratio * meanInFlight);
}

/** The first factor of the cost. */
export function effectiveLatencyMs(
  columns: Columns,
  slot: number,
  inFlight: number,
  ratio: number,
  nowMs: number,
): number {
  const typicalMs = columns.typicalMs[0]! || LATENCY_UNKNOWN_MS;
  let latencyMs = latencyNow(columns, slot, nowMs);
  if (latencyMs < 0) latencyMs = inFlight === 0 ? 0 : typicalMs;
  if (latencyMs < LATENCY_MIN_MS) latencyMs = LATENCY_MIN_MS;
  const ageMs = waitingAgeMs(columns, slot, nowMs);
  if (ageMs > latencyMs) latencyMs = ageMs;
  return latencyMs + ratio * ERROR_COST * typicalMs;
}
