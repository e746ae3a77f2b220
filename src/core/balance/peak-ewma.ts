/**
 * PeakEwma: of two random endpoints, the one where the next request costs less (latency-cost.ts).
 *
 * It needs nothing from the endpoints, follows both queue and speed within one
 * answer, and sampling two keeps several gateways from herding onto the same endpoint.
 */
import type { Factor } from "../../model/explanation.ts";
import { cheaperOfTwo } from "./cheaper-of-two.ts";
import { effectiveLatencyMs, latencyFactors } from "./latency-cost.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { BY_COST } from "./trace.ts";
import { TwoChoices } from "./two-choices.ts";
import { nominalWeight } from "./weight.ts";

export class PeakEwma extends PickerBase {
  readonly #world: PickerWorld;
  readonly #choices: TwoChoices;

  constructor(world: PickerWorld) {
    super();
    this.#world = world;
    this.#choices = new TwoChoices(world.columns, world.candidates, world.prng);
  }

  choose(facts: PickFacts, nowMs: number): number {
    return cheaperOfTwo(this.#world, this.#choices, facts.tried, nowMs, BY_COST);
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    return latencyFactors(this.#world.columns, slot, this.#world.candidates.size, nowMs);
  }

  copy(world: PickerWorld): PeakEwma {
    return new PeakEwma(world);
  }

  /** Inverse of the latency factor; the queue is left out, for it is gone by the time a weight takes effect. */
  shareOf(slot: number, nowMs: number): number {
    return steadyShare(this.#world, slot, nowMs);
  }
}

/** What an endpoint gets in the long run from whoever compares costs. */
export function steadyShare({ columns }: PickerWorld, slot: number, nowMs: number): number {
  const known = columns.latencyMs[slot]! >= 0;
  // 1 in flight: an endpoint without history counts as typical rather than as free.
  return nominalWeight(columns, slot) / effectiveLatencyMs(columns, slot, known ? 0 : 1, nowMs);
}
