/**
 * Sampler: two distinct endpoints at random, for the power of two choices (Mitzenmacher 2001).
 *
 * Without replacement, as Finagle and linkerd draw: with replacement a pool of two would take the worse endpoint a
 * quarter of the time. Two rather than all, because several balancers that each pick the best of all pick the
 * same one: herding. Exactly two draws of chance per call while weights are equal and there are two to choose from.
 *
 * Where weights differ or an endpoint starts slowly, a draw is accepted with the probability weight / largest weight,
 * else drawn again, and the second draw may repeat the first: between equals in all but weight each then gets its
 * share exactly, whatever the size of the pool. (Without replacement a pool of two would always compare both, and no
 * weight could tell.) There is no structure to keep; largest / mean draws on average.
 *
 * Invariant: after `draw`, `first` is a candidate; `second` is another one, or NONE if there is no other or none was
 * drawn.
 */
import type { Prng } from "../../std/prng.ts";
import type { Columns } from "../signals/columns.ts";
import type { Candidates } from "./candidates.ts";
import { nominalWeight } from "./weight.ts";

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
    const a = this.#drawByWeight(n);
    let b = this.#prng.below(n - 1);
    // Uniform over the other n - 1: those at or above `a` stand one further.
    if (b >= a) b++;
    const first = this.#candidates.at(a);
    let second = this.#candidates.at(b);
    if (!this.#isFull(first) || !this.#isFull(second)) {
      second = this.#candidates.at(this.#drawByWeight(n));
      if (second === first) second = NONE;
    }
    this.#first = first;
    this.#second = second;
  }

  /** Has the largest weight, so that no chance is needed to honour it. */
  #isFull(slot: number): boolean {
    return nominalWeight(this.#columns, slot) >= this.#columns.traits.weightMax[0]!;
  }

  /** An index below n. */
  #drawByWeight(n: number): number {
    const columns = this.#columns;
    const max = columns.traits.weightMax[0]!;
    let index = 0;
    for (let draws = 0; draws < DRAWS_MAX; draws++) {
      index = this.#prng.below(n);
      const weight = nominalWeight(columns, this.#candidates.at(index));
      if (weight >= max || this.#prng.float() * max < weight) return index;
    }
    return index;
  }
}
