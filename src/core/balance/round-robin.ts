/**
 * RoundRobin: each eligible endpoint in turn.
 *
 * The turn starts at a random place, so that gateways started together do not all begin with the same endpoint.
 * The list's order changes when endpoints come, go or fill up, so around such a moment one may be passed over or
 * served twice; while nothing changes, shares are exactly equal. Blind to load and to failures.
 */
import type { Prng } from "../../std/prng.ts";
import type { Eligible } from "./eligible.ts";
import { StatelessPicker } from "./picker.ts";

export class RoundRobin extends StatelessPicker {
  readonly #eligible: Eligible;
  #next: number;

  constructor(eligible: Eligible, prng: Prng) {
    super();
    this.#eligible = eligible;
    this.#next = prng.uint32() >>> 1;
  }

  choose(tried: readonly number[]): number {
    const n = this.#eligible.size;
    let index = this.#next % n;
    // At most tried.length steps are wasted; if all were tried, the turn decides.
    for (let step = 0; step < n && tried.includes(this.#eligible.at(index)); step++) index = (index + 1) % n;
    this.#next = index + 1;
    return this.#eligible.at(index);
  }

  shareOf(): number {
    return 1;
  }
}
