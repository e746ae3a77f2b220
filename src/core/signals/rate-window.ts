/**
 * Throughput and mean latency of an endpoint over a window of recent answers: the two inputs of the
 * locality-aware weight.
 *
 * brpc keeps a ring of the last 128 answers, so an endpoint with little traffic is judged by answers that are
 * minutes or hours old, and the ring costs 2 KiB per endpoint. Here three decayed sums stand for the ring:
 * answers C, their latencies S and the time between them T, all aged alike by
 *     w = min(e^(-dt/tau), 1 - 1/128)
 * at each new answer, so the window is the last 128 answers or the last 10 s, whichever is shorter. Then
 * throughput = C / T and mean latency = S / C.
 *
 * An error adds latency and time but no answer, as in brpc: throughput falls while mean latency rises.
 */
import type { Columns } from "./columns.ts";
import { TAU_MS } from "./peak-ewma.ts";

const KEPT_PER_ANSWER = 1 - 1 / 128;

/** brpc trusts a throughput once its ring is full or spans 1 s. Half a window is well within noise of a full one. */
const TRUSTED_COUNT = 64;
const TRUSTED_SPAN_MS = 1000;

/** The slot's latest latency sample joins its window. */
export function windowAnswer(columns: Columns, slot: number, nowMs: number): void {
  const latencyMs = columns.latencySampleMs[slot]!;
  const stamp = columns.windowStampMs[slot]!;
  columns.windowStampMs[slot] = nowMs;
  if (stamp < 0) {
    columns.windowCount[slot] = 1;
    columns.windowLatencyMs[slot] = latencyMs;
    return;
  }
  const gapMs = Math.max(0, nowMs - stamp);
  const kept = Math.min(Math.exp(-gapMs / TAU_MS), KEPT_PER_ANSWER);
  columns.windowCount[slot] = columns.windowCount[slot]! * kept + 1;
  columns.windowLatencyMs[slot] = columns.windowLatencyMs[slot]! * kept + latencyMs;
  columns.windowSpanMs[slot] = columns.windowSpanMs[slot]! * kept + gapMs;
}

/**
 * `costMs` is what the error is charged. Charges pile up to `capMs` per answer in the window and no further, so
 * that an endpoint that failed for long is not buried deeper than one that failed for a moment.
 */
export function windowError(
  columns: Columns,
  slot: number,
  costMs: number,
  capMs: number,
  nowMs: number,
): void {
  const stamp = columns.windowStampMs[slot]!;
  const gapMs = stamp < 0 ? 0 : Math.max(0, nowMs - stamp);
  const kept = Math.exp(-gapMs / TAU_MS);
  const count = columns.windowCount[slot]! * kept;
  const sum = columns.windowLatencyMs[slot]! * kept;
  columns.windowStampMs[slot] = nowMs;
  columns.windowCount[slot] = count;
  columns.windowLatencyMs[slot] = Math.max(sum, Math.min(sum + costMs, Math.max(count, 1) * capMs));
  columns.windowSpanMs[slot] = columns.windowSpanMs[slot]! * kept + gapMs;
}

/** Answers per second; below 0 while there are too few to say. */
export function windowRatePerSec(columns: Columns, slot: number): number {
  const count = columns.windowCount[slot]!;
  const spanMs = columns.windowSpanMs[slot]!;
  if (spanMs <= 0 || (count < TRUSTED_COUNT && spanMs < TRUSTED_SPAN_MS)) return -1;
  return (count * 1000) / spanMs;
}

/** Mean latency in ms, errors charged; below 0 while nothing is known. */
export function windowLatencyMs(columns: Columns, slot: number): number {
  if (columns.windowStampMs[slot]! < 0) return -1;
  // With errors only, the count stays near 0; one answer is the least the mean is taken over.
  return columns.windowLatencyMs[slot]! / Math.max(columns.windowCount[slot]!, 1);
}
