/**
 * Latency of an endpoint as a peak-sensitive, exponentially weighted moving average over time.
 *
 * After Finagle's PeakEwma and linkerd's: a sample above the estimate replaces it at once, a sample below
 * pulls it down with weight 1 - e^(-dt/tau), dt being the time since the last sample. Read at a later time, the
 * estimate decays by the same exponential towards 0, so an endpoint that was slow and has been left alone is
 * tried again.
 *
 * Units: ms throughout. A stored value below 0 means that nothing is known.
 */
import type { Columns } from "./columns.ts";

/** Half of what was known is forgotten in tau * ln 2 = 6.9 s. Finagle's and linkerd's default. */
export const TAU_MS = 10_000;

/** How much each sample moves the pool's typical estimate: it follows the last hundred or so answers of the pool. */
const TYPICAL_SHARE = 1 / 128;

/** An answer took as long to begin as the slot's latest sample says. */
export function observeLatency(columns: Columns, slot: number, nowMs: number): void {
  const sampleMs = columns.latencySampleMs[slot]!;
  const before = columns.latencyMs[slot]!;
  let after = sampleMs;
  if (sampleMs < before) {
    const kept = Math.exp(-Math.max(0, nowMs - columns.latencyStampMs[slot]!) / TAU_MS);
    after = sampleMs + (before - sampleMs) * kept;
  }
  columns.latencyMs[slot] = after;
  columns.latencyStampMs[slot] = nowMs;
  const typical = columns.typicalMs[0]!;
  columns.typicalMs[0] = typical === 0 ? after : typical + (after - typical) * TYPICAL_SHARE;
}

/**
 * No answer had begun after `waitedMs`, and now none will. The latency would have been at least that: a bound
 * that can raise the estimate and never lowers it.
 */
export function observeNoAnswer(columns: Columns, slot: number, waitedMs: number, nowMs: number): void {
  if (waitedMs <= columns.latencyMs[slot]!) return;
  columns.latencyMs[slot] = waitedMs;
  columns.latencyStampMs[slot] = nowMs;
}

/** The estimate as of now, decayed; below 0 where nothing is known. */
export function latencyNow(columns: Columns, slot: number, nowMs: number): number {
  const idleMs = nowMs - columns.latencyStampMs[slot]!;
  if (idleMs <= 0) return columns.latencyMs[slot]!;
  return columns.latencyMs[slot]! * Math.exp(-idleMs / TAU_MS);
}
