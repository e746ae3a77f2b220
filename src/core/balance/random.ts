/**
 * Random: each eligible endpoint with the same chance. Blind to load; the yardstick for the other policies.
 */
import type { Prng } from "../../std/prng.ts";
import type { Eligible } from "./eligible.ts";
import { StatelessPicker } from "./picker.ts";

export class Random extends StatelessPicker {
  readonly #eligible: Eligible;
  readonly #prng: Prng;

  constructor(eligible: Eligible, prng: Prng) {
    super();
    this.#eligible = eligible;
    this.#prng = prng;
  }

  choose(tried: readonly number[]): number {
    const n = tried.length === 0 ? this.#eligible.size : this.#eligible.untried(tried);
    return this.#eligible.at(this.#prng.below(n));
  }

  shareOf(): number {
    return 1;
  }
}
