/**
 * What every balancing policy is to the pool: it chooses one of the eligible, and may keep state of its own
 * about them.
 *
 * A policy never decides who may serve (eligible.ts) nor counts claims (pool-brain.ts). `choose` is called only
 * while somebody is eligible and must answer an eligible slot; slots in `tried` only if there is no other.
 * Apart from the time, which is boxed by whoever read the clock, no fractional number is passed on the hot path:
 * these calls are not inlined, and each such number would be an allocation.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { EligibleListener } from "./eligible.ts";

export interface Picker extends EligibleListener {
  choose(tried: readonly number[], nowMs: number): number;

  /** A good answer from the slot has begun; the columns have learned its latency already. */
  answered(slot: number, nowMs: number): void;

  /** An attempt on the slot has ended; the columns have learned from it already. */
  ended(slot: number, outcome: Outcome, nowMs: number): void;

  /** The slot's long-run share, relative to others of the same pool: above 0, in any unit. */
  shareOf(slot: number, nowMs: number): number;
}

/** For policies that keep no state about endpoints. */
export abstract class StatelessPicker implements Picker {
  abstract choose(tried: readonly number[], nowMs: number): number;
  abstract shareOf(slot: number, nowMs: number): number;

  entered(): void {}
  left(): void {}
  answered(): void {}
  ended(): void {}
}
