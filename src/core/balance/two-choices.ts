/**
 * Sampler: two distinct endpoints at random, for the power of two choices (Mitzenmacher 2001).
 *
 * Without replacement, as Finagle and linkerd draw: with replacement a pool of two would take the worse endpoint a
 * quarter of the time. Two rather than all, because several balancers that each pick the best of all pick the
 * same one: herding. Exactly two draws of chance per call while weights are equal and there are two to choose from.
 *
 * Where weights differ or an endpoint starts slowly, a draw is accepted with the probability weight / largest weight,
 * else drawn again: no structure to keep, and largest / mean draws on average. Comparing alone could not honour a
 * weight: an endpoint drawn in 2 of n pairs gets at most 2 / n of the traffic.
 *
 * Invariant: after `draw`, `first` is a candidate; `second` is another one, or NONE if there is no other.
 */
import type { Prng } from "../../std/prng.ts";
import type { Columns } from "../signals/columns.ts";
import type { Candidates } from "./candidates.ts";

export const NONE = -1;

/** Enough for weights that differ a hundredfold; past it the last draw stands. */
const DRAWS_MAX = 64;

export class TwoChoices {
  readonly #columns: Columns;
  readonly #candidates: Candidates;
  readonly #prng: Prng;
  #first = NONE;
  #second = NONE;

  constructor(columns: Columns, candidates: Candidates, prng: Prng) {
    this.#columns = columns;
    this.#candidates = candidates;
    this.#prng = prng;
  }

  get first(): number {
    return this.#first;
  }

  get second(): number {
    return this.#second;
  }

  /** Fields rather than a result: a pair would be an allocation per pick. */
  draw(tried: readonly number[]): void {
    const candidates = this.#candidates;
    const n = tried.length === 0 ? candidates.size : candidates.untried(tried);
    if (n === 1) {
      this.#first = candidates.at(0);
      this.#second = NONE;
      return;
    }
    const a = this.#drawIndex(n, NONE);
    this.#first = candidates.at(a);
    this.#second = candidates.at(this.#drawIndex(n, a));
  }

  /** One of the first n, by weight, `except` left out. */
  #drawIndex(n: number, except: number): number {
    const { traits, ramp } = this.#columns;
    const max = traits.weightMax[0]!;
    let index = 0;
    for (let draws = 0; draws < DRAWS_MAX; draws++) {
      index = this.#prng.below(except === NONE ? n : n - 1);
      // Uniform over the other n - 1: those at or above the one left out stand one further.
      if (except !== NONE && index >= except) index++;
      const slot = this.#candidates.at(index);
      const weight = traits.weight[slot]! * ramp[slot]!;
      if (weight >= max || this.#prng.float() * max < weight) return index;
    }
    return index;
  }
}
