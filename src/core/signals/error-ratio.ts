/**
 * The recent share of an endpoint's attempts that failed.
 *
 * A latency estimate alone makes an endpoint that fails fast look fast: the sinkhole. linkerd's answer is to
 * record a synthetic five-second latency per failure. That suits total failure, but under a background of one
 * error in a thousand every endpoint soon carries such a peak and the latency signal is gone. A ratio says how
 * bad it is, so that scorers can charge in proportion: see balance/latency-cost.ts.
 *
 * An exponential average over time (tau as for latency) that each sample moves by at least 1/20: at high rates
 * twenty attempts, not seconds, decide. Read later it decays, so that a failed endpoint is tried again; what succeeds then,
 * after eight seconds at most without any attempt, tells more than what was before, and the ratio begins anew.
 */
import type { Columns } from "./columns.ts";
import { TAU_MS } from "./peak-ewma.ts";

/** After 20 straight failures the ratio is 1 - (1 - 1/20)^20 = 0.64; after 20 straight successes a lone failure's 0.05 is 0.018. */
const SAMPLE_SHARE_MIN = 1 / 20;

/** Without an attempt for as long, an endpoint that failed is tried (balance/delay-cost.ts). */
export const TRIAL_MS = 8000;
/** Less is needed for less: a lone failure among good answers is 0.05, for which two seconds are enough. */
const TRIAL_RATIO = 0.2;

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
  if (sample === 0 && isTrialDue(columns, slot, nowMs)) {
    columns.errorRatio[slot] = 0;
    columns.errorStampMs[slot] = nowMs;
    return;
  }
  const byTime = 1 - Math.exp(-Math.max(0, nowMs - columns.errorStampMs[slot]!) / TAU_MS);
  const after = before + (sample - before) * Math.max(byTime, SAMPLE_SHARE_MIN);
  columns.errorRatio[slot] = after < NEGLIGIBLE ? 0 : after;
  columns.errorStampMs[slot] = nowMs;
}

/** Whether it has been left alone for as long as what is held against it weighs. */
export function isTrialDue(columns: Columns, slot: number, nowMs: number): boolean {
  const idleMs = nowMs - columns.errorStampMs[slot]!;
  return idleMs >= TRIAL_MS || idleMs * TRIAL_RATIO >= TRIAL_MS * columns.errorRatio[slot]!;
}

/** The ratio as of now, in [0, 1]. */
export function errorRatioNow(columns: Columns, slot: number, nowMs: number): number {
  const ratio = columns.errorRatio[slot]!;
  if (ratio === 0) return 0;
  const idleMs = nowMs - columns.errorStampMs[slot]!;
  return idleMs <= 0 ? ratio : ratio * Math.exp(-idleMs / TAU_MS);
}
