/**
 * The recent share of an endpoint's attempts that failed.
 *
 * A latency estimate alone makes an endpoint that fails fast look fast: the sinkhole. linkerd's answer is to
 * record a synthetic five-second latency per failure. That suits total failure, but under a background of one
 * error in a thousand every endpoint soon carries such a peak and the latency signal is gone. A ratio says how
 * bad it is, so that scorers can charge in proportion: see balance/latency-cost.ts.
 *
 * An exponential average over time (tau as for latency) that each sample moves by at least 1/20: at high rates
 * twenty attempts, not seconds, decide. Read later it decays, so that a failed endpoint is tried again.
 */
import type { Columns } from "./columns.ts";
import { TAU_MS } from "./peak-ewma.ts";

/** After 20 straight failures the ratio is 1 - (1 - 1/20)^20 = 0.64; after 20 straight successes a lone failure's 0.05 is 0.018. */
const SAMPLE_SHARE_MIN = 1 / 20;

/** A ratio below this is 0: keeps the common case free of the exponential. */
const NEGLIGIBLE = 1e-6;

export const SAMPLE_OK = 0;
/** Load, not illness: half a failure, so that traffic leans away from an endpoint that sheds. */
export const SAMPLE_OVERLOADED = 0.5;
export const SAMPLE_FAILED = 1;

export function observeError(columns: Columns, slot: number, sample: number, nowMs: number): void {
  const before = columns.errorRatio[slot]!;
  if (before === 0 && sample === 0) {
    columns.errorStampMs[slot] = nowMs;
    return;
  }
  const byTime = 1 - Math.exp(-Math.max(0, nowMs - columns.errorStampMs[slot]!) / TAU_MS);
  const after = before + (sample - before) * Math.max(byTime, SAMPLE_SHARE_MIN);
  columns.errorRatio[slot] = after < NEGLIGIBLE ? 0 : after;
  columns.errorStampMs[slot] = nowMs;
}

/** The ratio as of now, in [0, 1]. */
export function errorRatioNow(columns: Columns, slot: number, nowMs: number): number {
  const ratio = columns.errorRatio[slot]!;
  if (ratio === 0) return 0;
  const idleMs = nowMs - columns.errorStampMs[slot]!;
  return idleMs <= 0 ? ratio : ratio * Math.exp(-idleMs / TAU_MS);
}
