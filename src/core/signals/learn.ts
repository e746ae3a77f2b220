/**
 * What an attempt's end teaches about its endpoint: the one place where an outcome becomes signals.
 *
 * | outcome | latency | error ratio | failure |
 * |---|---|---|---|
 * | success | sample: time to first byte | 0 | no |
 * | overloaded (429) | - | 0.5 | no |
 * | server-error, connect-failure, refused | - | 1 | yes |
 * | broken, timeout before the first byte | bound: waited so long for nothing | 1 | yes |
 * | cancelled before the first byte | the same bound | - | no |
 * | cancelled, broken, timeout after it | - | as above | as above |
 *
 * A refusal in a millisecond says nothing about how long an answer takes, so failures give no latency
 * samples. A cancelled request teaches nothing except what its ageing had already shown while it waited:
 * the bound keeps that from vanishing when impatient clients leave an endpoint that hangs.
 */
import { isFailure, type Outcome } from "../../model/outcome.ts";
import type { Columns } from "./columns.ts";
import { observeError, SAMPLE_FAILED, SAMPLE_OK, SAMPLE_OVERLOADED } from "./error-ratio.ts";
import { observeLatency, observeNoAnswer } from "./peak-ewma.ts";

/** A good answer has begun, after the slot's `latencySampleMs`, which the caller has written. */
export function learnLatency(columns: Columns, slot: number, nowMs: number): void {
  // A caller's clocks may disagree by a hair; time does not run backwards here.
  if (columns.latencySampleMs[slot]! < 0) columns.latencySampleMs[slot] = 0;
  observeLatency(columns, slot, nowMs);
}

/** The end of an attempt. `answered`: its first byte had come. Latency of successes is learned separately. */
export function learnEnd(
  columns: Columns,
  slot: number,
  outcome: Outcome,
  answered: boolean,
  nowMs: number,
): void {
  columns.requests[slot] = columns.requests[slot]! + 1;
  if (isFailure(outcome.kind)) columns.failures[slot] = columns.failures[slot]! + 1;
  switch (outcome.kind) {
    case "success":
      observeError(columns, slot, SAMPLE_OK, nowMs);
      return;
    case "overloaded":
      observeError(columns, slot, SAMPLE_OVERLOADED, nowMs);
      return;
    case "server-error":
    case "connect-failure":
    case "refused":
      observeError(columns, slot, SAMPLE_FAILED, nowMs);
      return;
    case "broken":
    case "timeout":
      observeError(columns, slot, SAMPLE_FAILED, nowMs);
      if (!answered) observeNoAnswer(columns, slot, outcome.totalMs, nowMs);
      return;
    case "cancelled":
      if (!answered) observeNoAnswer(columns, slot, outcome.totalMs, nowMs);
  }
}

/** What failures taught is taken back, down to this error ratio: the state that they came of is known to be over. */
export function unlearnFailures(columns: Columns, slot: number, errorRatio: number): void {
  columns.errorRatio[slot] = Math.min(columns.errorRatio[slot]!, errorRatio);
  // Errors stand in the window as latency, and cannot be told apart there: nothing is known then.
  columns.windowCount[slot] = 0;
  columns.windowLatencyMs[slot] = 0;
  columns.windowSpanMs[slot] = 0;
  columns.windowStampMs[slot] = -1;
}
