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
  /** Taken and predicted over all slots, fading with MEMORY_MS for each of them. */
  readonly #all = Float64Array.of(PRIOR_MS, PRIOR_MS);
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
    this.#taken[slot] = 0;
    this.#predicted[slot] = 0;
    this.#stampMs[slot] = nowMs;
  }

  /** 1: like the fleet; 3: takes three times as long. */
  of(slot: number, nowMs: number): number {
    const log = Math.log(this.#ratio(slot, nowMs));
    const { from, to } = this.#sure;
    const beyond = Math.abs(log) - from;
    if (beyond <= 0) return 1;
    return Math.exp(log * Math.min(1, beyond / (to - from)));
  }

  /** Against what the fleet as a whole has taken lately, without doubt taken off: to compare samples of different slots. */
  relative(slot: number, nowMs: number): number {
    return (this.#ratio(slot, nowMs) * this.#all[1]!) / this.#all[0]!;
  }

  learn(slot: number, takenMs: number, predictedMs: number, nowMs: number): void {
    if (!(predictedMs > 0)) return;
    const left = 2 ** ((this.#stampMs[slot]! - nowMs) / HALF_LIFE_MS);
    const sum = this.#predicted[slot]! * left + predictedMs;
    // What a single huge piece of work says is bounded like what many small ones say.
    const kept = sum > MEMORY_MS ? MEMORY_MS / sum : 1;
    const countedMs = Math.min(RATIO_MAX, takenMs / predictedMs) * predictedMs;
    this.#taken[slot] = (this.#taken[slot]! * left + countedMs) * kept;
    this.#predicted[slot] = sum * kept;
    this.#stampMs[slot] = nowMs;
    const all = this.#all;
    const memoryMs = MEMORY_MS * this.#slots;
    const allKept = all[1]! + predictedMs > memoryMs ? memoryMs / (all[1]! + predictedMs) : 1;
    all[0] = (all[0]! + countedMs) * allKept;
    all[1] = (all[1]! + predictedMs) * allKept;
  }

  #ratio(slot: number, nowMs: number): number {
    const left = 2 ** ((this.#stampMs[slot]! - nowMs) / HALF_LIFE_MS);
    return (this.#taken[slot]! * left + PRIOR_MS) / (this.#predicted[slot]! * left + PRIOR_MS);
  }
}

function grown(before: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const after = new Float64Array(length);
  after.set(before);
  return after;
}
