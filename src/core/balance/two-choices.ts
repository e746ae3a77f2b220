/**
 * Sampler: two distinct endpoints at random, for the power of two choices (Mitzenmacher 2001).
 *
 * Without replacement, as Finagle and linkerd draw: with replacement a pool of two would take the worse endpoint a
 * quarter of the time. Two rather than all, because several balancers that each pick the best of all pick the
 * same one: herding. Exactly two draws of chance per call while there are two to choose from.
 *
 * Invariant: after `draw`, `first` is eligible; `second` is another eligible slot, or NONE if there is no other.
 */
import type { Prng } from "../../std/prng.ts";
import type { Eligible } from "./eligible.ts";

export const NONE = -1;

export class TwoChoices {
  readonly #eligible: Eligible;
  readonly #prng: Prng;
  #first = NONE;
  #second = NONE;

  constructor(eligible: Eligible, prng: Prng) {
    this.#eligible = eligible;
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
    const eligible = this.#eligible;
    const n = tried.length === 0 ? eligible.size : eligible.untried(tried);
    if (n === 1) {
      this.#first = eligible.at(0);
      this.#second = NONE;
      return;
    }
    const a = this.#prng.below(n);
    // Uniform over the other n - 1: those at or above `a` stand one further.
    const b = this.#prng.below(n - 1);
    this.#first = eligible.at(a);
    this.#second = eligible.at(b >= a ? b + 1 : b);
  }
}
