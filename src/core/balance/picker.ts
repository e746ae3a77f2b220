/**
 * What every balancing policy is to the pool: it chooses one of the candidates, and may keep state of its own
 * about them.
 *
 * A policy never decides who may serve (eligible.ts) nor counts claims (pool-brain.ts). `choose` is called only
 * while there is a candidate and must answer one; slots in `tried` only if there is no other.
 * Apart from the time, which is boxed by whoever read the clock, no fractional number is passed on the hot path:
 * these calls are not inlined, and each such number would be an allocation.
 */
import type { BalancingOptions } from "../../model/balancing.ts";
import type { Explanation, Factor } from "../../model/explanation.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Prng } from "../../std/prng.ts";
import type { PromptWorld } from "../inference/model-servers.ts";
import type { Columns } from "../signals/columns.ts";
import type { Candidates } from "./candidates.ts";
import type { EligibleListener } from "./eligible.ts";
import type { PickFacts } from "./pick-facts.ts";
import type { Trace } from "./trace.ts";

/** What a picker is given to work with. */
export interface PickerWorld {
  readonly columns: Columns;
  readonly candidates: Candidates;
  readonly prng: Prng;
  readonly trace: Trace;
  readonly options: BalancingOptions;
  /** The pool's model servers and their policy; undefined: it has none. */
  readonly inference: () => PromptWorld | undefined;
  /** Requests in flight that one endpoint may have. */
  readonly limit: () => number;
  /** All who belong, whether or not they may serve at the moment. Allocates: for `rebalance`. */
  readonly members: () => readonly number[];
}

export type PickerAccount = Pick<Explanation, "carriedOutBy" | "group">;

const PLAIN: PickerAccount = Object.freeze({ carriedOutBy: undefined, group: undefined });

export interface Picker extends EligibleListener {
  /** Also writes what it looked at into the trace. */
  choose(facts: PickFacts, nowMs: number): number;

  /** A good answer from the slot has begun; the columns have learned its latency already. */
  answered(slot: number, nowMs: number): void;

  /** An attempt on the slot has ended; the columns have learned from it already. */
  ended(slot: number, outcome: Outcome, nowMs: number): void;

  /** The slot's endpoint has reported its load; the columns have it already. */
  reported(slot: number, nowMs: number): void;

  /** Slots whose endpoints should be asked for their load now; asking counts as asked. */
  probesWanted(): readonly number[];

  /** After every change of membership and about once a second: what is too slow to do in a pick. */
  rebalance(nowMs: number): void;

  /** Writes the long-run share of each of `slots`, relative to each other: above 0, in any unit. */
  weigh(slots: readonly number[], nowMs: number, shares: Float64Array): void;

  /** Who carries the policy out, and where the last choice was made. */
  account(): PickerAccount;

  /** What the slot's score is made of, for people. */
  factors(slot: number, nowMs: number): readonly Factor[];

  /** The same picker in another world that holds the same: what it then does has no effect here. */
  copy(world: PickerWorld): Picker;
}

const NO_SLOTS: readonly number[] = Object.freeze([]);

/** What most policies do not care for. */
export abstract class PickerBase implements Picker {
  abstract choose(facts: PickFacts, nowMs: number): number;
  abstract factors(slot: number, nowMs: number): readonly Factor[];
  abstract copy(world: PickerWorld): Picker;
  abstract shareOf(slot: number, nowMs: number): number;

  entered(_slot: number, _nowMs: number): void {}
  left(_slot: number): void {}
  answered(_slot: number, _nowMs: number): void {}
  ended(_slot: number, _outcome: Outcome, _nowMs: number): void {}
  reported(_slot: number, _nowMs: number): void {}
  rebalance(_nowMs: number): void {}

  probesWanted(): readonly number[] {
    return NO_SLOTS;
  }

  account(): PickerAccount {
    return PLAIN;
  }

  weigh(slots: readonly number[], nowMs: number, shares: Float64Array): void {
    for (const slot of slots) shares[slot] = this.shareOf(slot, nowMs);
  }
}
