/**
 * The candidate with the lowest score; among equals a random one.
 *
 * Scores are written to an array by candidate's index, since returning each would box it.
 */
import type { Prng } from "../../../std/prng.ts";
import { Choice, FOR_COST } from "./choice.ts";

export class LowestScore {
  readonly #prng: Prng;
  /** By index among the candidates. */
  scores: Float64Array<ArrayBuffer> = new Float64Array(16);

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  readonly choice: Choice = new Choice();

  reserve(count: number): Float64Array<ArrayBuffer> {
    if (this.scores.length < count) this.scores = new Float64Array(count * 2);
    return this.scores;
  }

  pick(candidates: Int32Array, count: number): number {
    const { scores } = this;
    let best = 0;
    let equals = 1;
    for (let i = 1; i < count; i++) {
      const score = scores[i]!;
      if (score < scores[best]!) {
        best = i;
        equals = 1;
      } else if (score === scores[best]! && this.#prng.below(++equals) === 0) best = i;
    }
    this.choice.among(candidates, scores, count, best, FOR_COST);
    return candidates[best]!;
  }
}
