/**
 * Hedging: a second attempt while the first is still unanswered, at another endpoint; the first answer counts and the
 * other attempt is cancelled (Dean and Barroso, "The Tail at Scale", 2013: p99.9 from 1800 to 74 ms for 2 % more load).
 *
 * When: once the first attempt has waited longer than 95 % of the pool's recent answers took. So one request in twenty
 * qualifies, whatever the pool's speed.
 *
 * When not:
 * - the policy's attempts have been made, the request is not idempotent, the body is no longer in hand;
 * - the pool as a whole is slow: more than SLOW_RATIO of its recent requests came to that point, where one in twenty is normal. A hedge
 *   helps against one slow endpoint; against a slow pool it is more load at the worst moment;
 * - as many attempts beyond the first are under way as the pool may have (concurrency.ts);
 * - the budget is spent: hedges are at most 5 % of the requests of the last ten seconds, plus one every two seconds.
 *
 * Whether the class of work allows it is asked before: who may not be hedged does not come here.
 *
 * Times in ms. One governor per pool.
 */
import { RecentHistogram } from "../signals/histogram.ts";
import { RetryBudget } from "./budget.ts";

const QUANTILE = 0.95;
/** With fewer answers the 95th percentile is one of the two or three slowest seen. */
const SAMPLES_MIN = 50;
/** The quantile is over the last 15 to 30 s. */
const SPAN_MS = 15_000;
/** Reading a quantile walks a thousand buckets; ten times a second is often enough. */
const REFRESH_MS = 100;
/** Below this, timers and scheduling are coarser than the gain. */
const DELAY_MIN_MS = 2;

const BUDGET_RATIO = 0.05;
const BUDGET_FLOOR_PER_SEC = 0.5;

/** Four times what is normal. */
const SLOW_RATIO = 0.2;
/** The ratio follows the last fifty or so requests. */
const SLOW_SHARE = 1 / 50;

export interface HedgeFacts {
  /** The pool may have another attempt beyond a first one under way. */
  readonly room: boolean;
  readonly idempotent: boolean;
  readonly bodyInHand: boolean;
  /** Attempts made so far. */
  readonly attempts: number;
  /** The policy's attempts in all. */
  readonly attemptsMax: number;
}

export type HedgeStep =
  | { readonly kind: "hedge" }
  | {
      readonly kind: "hold";
      readonly reason: "attempts-spent" | "not-replayable" | "pool-slow" | "retries-full" | "budget-spent";
    };

const HEDGE: HedgeStep = { kind: "hedge" };
const ATTEMPTS_SPENT: HedgeStep = { kind: "hold", reason: "attempts-spent" };
const NOT_REPLAYABLE: HedgeStep = { kind: "hold", reason: "not-replayable" };
const POOL_SLOW: HedgeStep = { kind: "hold", reason: "pool-slow" };
const RETRIES_FULL: HedgeStep = { kind: "hold", reason: "retries-full" };
const BUDGET_SPENT: HedgeStep = { kind: "hold", reason: "budget-spent" };

export class HedgeGovernor {
  readonly #budget = new RetryBudget({ ratio: BUDGET_RATIO, floorPerSec: BUDGET_FLOOR_PER_SEC });
  readonly #answers = new RecentHistogram(SPAN_MS);
  #delayMs = -1;
  #refreshMs = Number.NEGATIVE_INFINITY;
  /** Share of recent requests that were still unanswered after the delay. */
  #lateRatio = 0;

  /** A request was sent for the first time. */
  sent(nowMs: number): void {
    this.#budget.deposit(nowMs);
  }

  /** A first attempt was answered well, after `firstByteMs`. */
  answered(firstByteMs: number, nowMs: number): void {
    this.#answers.record(firstByteMs, nowMs);
    // Those that took longer have been counted when they came to be late.
    if (firstByteMs < this.delayMs(nowMs)) this.#lateRatio -= this.#lateRatio * SLOW_SHARE;
  }

  /** How long after an attempt was sent to ask `step`; below 0: never, too little is known. */
  delayMs(nowMs: number): number {
    if (nowMs >= this.#refreshMs) {
      this.#refreshMs = nowMs + REFRESH_MS;
      const known = this.#answers.count(nowMs) >= SAMPLES_MIN;
      this.#delayMs = known ? Math.max(DELAY_MIN_MS, this.#answers.quantile(QUANTILE, nowMs)) : -1;
    }
    return this.#delayMs;
  }

  /** The delay has passed without an answer; ask once per request. "hedge" has been paid for. */
  step(facts: HedgeFacts, nowMs: number): HedgeStep {
    this.#lateRatio += (1 - this.#lateRatio) * SLOW_SHARE;
    if (facts.attempts >= facts.attemptsMax) return ATTEMPTS_SPENT;
    if (!facts.bodyInHand || !facts.idempotent) return NOT_REPLAYABLE;
    if (this.#lateRatio > SLOW_RATIO) return POOL_SLOW;
    if (!facts.room) return RETRIES_FULL;
    return this.#budget.tryWithdraw(nowMs) ? HEDGE : BUDGET_SPENT;
  }
}
