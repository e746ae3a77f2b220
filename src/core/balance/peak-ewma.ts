/**
 * PeakEwma: of two random endpoints, the one where the next request costs less (latency-cost.ts).
 *
 * What Auto means. It needs nothing from the endpoints, follows both queue and speed within one answer, and
 * sampling two keeps several gateways from herding onto the same endpoint.
 */
import type { Prng } from "../../std/prng.ts";
import type { Columns } from "../signals/columns.ts";
import { errorRatioNow } from "../signals/error-ratio.ts";
import type { Eligible } from "./eligible.ts";
import { cheaperOf, effectiveLatencyMs } from "./latency-cost.ts";
import { StatelessPicker } from "./picker.ts";
import { NONE, TwoChoices } from "./two-choices.ts";

export class PeakEwma extends StatelessPicker {
  readonly #columns: Columns;
  readonly #eligible: Eligible;
  readonly #choices: TwoChoices;

  constructor(columns: Columns, eligible: Eligible, prng: Prng) {
    super();
    this.#columns = columns;
    this.#eligible = eligible;
    this.#choices = new TwoChoices(eligible, prng);
  }

  choose(tried: readonly number[], nowMs: number): number {
    const choices = this.#choices;
    choices.draw(tried);
    const { first, second } = choices;
    if (second === NONE) return first;
    return cheaperOf(this.#columns, first, second, this.#eligible.size, nowMs);
  }

  /** Inverse of the latency factor; the queue is left out, for it is gone by the time a weight takes effect. */
  shareOf(slot: number, nowMs: number): number {
    const columns = this.#columns;
    const known = columns.latencyMs[slot]! >= 0;
    const ratio = errorRatioNow(columns, slot, nowMs);
    // 1 in flight: an endpoint without history counts as typical rather than as free.
    return 1 / effectiveLatencyMs(columns, slot, known ? 0 : 1, ratio, nowMs);
  }
}
