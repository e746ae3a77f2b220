/**
 * How much slower than the fleet each slot is: time taken over time predicted, as a ratio of sums.
 *
 *     ratio = (taken + PRIOR) / (predicted + PRIOR)
 *     pace  = ratio ^ f,   f = 0 while |ln ratio| is below `sure.from`, 1 above `sure.to`, linear between
 *
 * Both sums are in ms of work and fade: beyond MEMORY_MS of predicted work, so that a slot that turns slow shows it after
 * one or two seconds of work however long it was fast; and by half every HALF_LIFE_MS, so that one that was slow and is
 * shunned for it is tried again. A ratio of sums is right on average even though single samples are not: prompts that
 * share a step are seen to end at the same moment.
 *
 * The exponent is there because equal machines seem to differ by chance, and a policy that believes it loads them unequally.
 */
import { grown } from "../../signals/grown.ts";
const PRIOR_MS = 150;
const MEMORY_MS = 3000;
const HALF_LIFE_MS = 30_000;
const RATIO_MAX = 30;

export interface Sureness {
  readonly from: number;
  readonly to: number;
}

export class Pace {
  readonly #sure: Sureness;
  #taken = new Float64Array(16);
  #predicted = new Float64Array(16);
  #stampMs = new Float64Array(16);
  /** Sums of `#taken` and of `#predicted`. */
  readonly #all = new Float64Array(2);
  #slots = 0;

  constructor(sure: Sureness) {
    this.#sure = sure;
  }

  joined(slot: number, nowMs: number): void {
    let length = this.#taken.length;
    if (slot >= length) {
      while (slot >= length) length *= 2;
      this.#taken = grown(this.#taken, length);
      this.#predicted = grown(this.#predicted, length);
      this.#stampMs = grown(this.#stampMs, length);
    }
    this.#slots = Math.max(this.#slots, slot + 1);
    this.#set(slot, 0, 0, nowMs);
  }

  /** 1: like the fleet; 3: takes three times as long. */
  of(slot: number, nowMs: number): number {
    const log = Math.log(this.#ratio(slot, nowMs));
    const { from, to } = this.#sure;
    const beyond = Math.abs(log) - from;
    if (beyond <= 0) return 1;
    return Math.exp(log * Math.min(1, beyond / (to - from)));
  }

  /**
   * Against the fleet as a whole, without doubt taken off: to compare samples of different slots. Both sides are of the same samples,
   * so that predictions that are wrong for all cancel: were the fleet's side older, a model corrected by it would run away from itself.
   */
  relative(slot: number, nowMs: number): number {
    const prior = PRIOR_MS * this.#slots;
    return (this.#ratio(slot, nowMs) * (this.#all[1]! + prior)) / (this.#all[0]! + prior);
  }

  learn(slot: number, takenMs: number, predictedMs: number, nowMs: number): void {
    if (!(predictedMs > 0)) return;
    const left = 2 ** ((this.#stampMs[slot]! - nowMs) / HALF_LIFE_MS);
    const sum = this.#predicted[slot]! * left + predictedMs;
    // What a single huge piece of work says is bounded like what many small ones say.
    const kept = sum > MEMORY_MS ? MEMORY_MS / sum : 1;
    const countedMs = Math.min(RATIO_MAX, takenMs / predictedMs) * predictedMs;
    this.#set(slot, (this.#taken[slot]! * left + countedMs) * kept, sum * kept, nowMs);
  }

  #set(slot: number, takenMs: number, predictedMs: number, nowMs: number): void {
    const all = this.#all;
    all[0] = all[0]! + takenMs - this.#taken[slot]!;
    all[1] = all[1]! + predictedMs - this.#predicted[slot]!;
    this.#taken[slot] = takenMs;
    this.#predicted[slot] = predictedMs;
    this.#stampMs[slot] = nowMs;
  }

  #ratio(slot: number, nowMs: number): number {
    const left = 2 ** ((this.#stampMs[slot]! - nowMs) / HALF_LIFE_MS);
    return (this.#taken[slot]! * left + PRIOR_MS) / (this.#predicted[slot]! * left + PRIOR_MS);
  }
}
