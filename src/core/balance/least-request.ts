/**
 * LeastRequest: of two random endpoints, the one with fewer requests in flight.
 *
 * Theory (supermarket model, load 0.9): mean time in system 2.61 service times, against 10 for random choice.
 * Knows nothing of latency; an endpoint that fails fast always has few in flight and so attracts traffic.
 * PeakEwma guards against that, this does not.
 */
import type { Prng } from "../../std/prng.ts";
import type { Columns } from "../signals/columns.ts";
import type { Eligible } from "./eligible.ts";
import { StatelessPicker } from "./picker.ts";
import { NONE, TwoChoices } from "./two-choices.ts";

export class LeastRequest extends StatelessPicker {
  readonly #columns: Columns;
  readonly #choices: TwoChoices;

  constructor(columns: Columns, eligible: Eligible, prng: Prng) {
    super();
    this.#columns = columns;
    this.#choices = new TwoChoices(eligible, prng);
  }

  choose(tried: readonly number[]): number {
    const choices = this.#choices;
    choices.draw(tried);
    const { first, second } = choices;
    if (second === NONE) return first;
    // A tie goes to the first, which is as random as the second.
    const inFlight = this.#columns.inFlight;
    return inFlight[second]! < inFlight[first]! ? second : first;
  }

  shareOf(slot: number): number {
    return 1 / (this.#columns.inFlight[slot]! + 1);
  }
}
