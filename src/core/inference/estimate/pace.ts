/**
 * How much slower than the fleet each slot is: time taken over time predicted, as a ratio of sums.
 *
 *     ratio = (taken + PRIOR) / (predicted + PRIOR)        pace = 1 within [1 / DEAD, DEAD], ratio / DEAD above, ratio * DEAD below
 *
 * Both sums are in ms of work and fade: beyond MEMORY_MS of predicted work, so that a slot that turns slow shows it after
 * one or two seconds of work however long it was fast; and by half every HALF_LIFE_MS, so that one that was slow and is
 * shunned for it is tried again. A ratio of sums is right on average even though single samples are not: prompts
 * that share a step are seen to end at the same moment.
 */
const PRIOR_MS = 150;
const MEMORY_MS = 3000;
const HALF_LIFE_MS = 30_000;
const RATIO_MAX = 30;
/** Equal machines seem this much apart by chance: within it they are equal, beyond it what is beyond counts. */
const DEAD = 1.25;

export class Pace {
  #taken = new Float64Array(16);
  #predicted = new Float64Array(16);
  #stampMs = new Float64Array(16);

  joined(slot: number, nowMs: number): void {
    let length = this.#taken.length;
    if (slot >= length) {
      while (slot >= length) length *= 2;
      this.#taken = grown(this.#taken, length);
      this.#predicted = grown(this.#predicted, length);
      this.#stampMs = grown(this.#stampMs, length);
    }
    this.#taken[slot] = 0;
    this.#predicted[slot] = 0;
    this.#stampMs[slot] = nowMs;
  }

  /** 1: like the fleet; 3: takes three times as long. */
  of(slot: number, nowMs: number): number {
    const left = 2 ** ((this.#stampMs[slot]! - nowMs) / HALF_LIFE_MS);
    const ratio = (this.#taken[slot]! * left + PRIOR_MS) / (this.#predicted[slot]! * left + PRIOR_MS);
    if (ratio > DEAD) return ratio / DEAD;
    return ratio < 1 / DEAD ? ratio * DEAD : 1;
  }

  learn(slot: number, takenMs: number, predictedMs: number, nowMs: number): void {
    if (!(predictedMs > 0)) return;
    const left = 2 ** ((this.#stampMs[slot]! - nowMs) / HALF_LIFE_MS);
    const sum = this.#predicted[slot]! * left + predictedMs;
    // What a single huge piece of work says is bounded like what many small ones say.
    const kept = sum > MEMORY_MS ? MEMORY_MS / sum : 1;
    const ratio = Math.min(RATIO_MAX, takenMs / predictedMs);
    this.#taken[slot] = (this.#taken[slot]! * left + ratio * predictedMs) * kept;
    this.#predicted[slot] = sum * kept;
    this.#stampMs[slot] = nowMs;
  }
}

function grown(before: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const after = new Float64Array(length);
  after.set(before);
  return after;
}
