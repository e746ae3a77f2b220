/**
 * LeastRequest: of two random endpoints, the one with fewer requests in flight for its weight.
 *
 *     score = inFlight / weight
 *
 * The draw has honoured the weight already (two-choices.ts), so idle endpoints are equal here.
 *
 * Theory (supermarket model, load 0.9): mean time in system 2.61 service times, against 10 for random choice.
 * Knows nothing of latency; an endpoint that fails fast always has few in flight and so attracts traffic.
 * PeakEwma guards against that, this does not.
 */
import type { Factor } from "../../model/explanation.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { BY_IN_FLIGHT, BY_ONLY } from "./trace.ts";
import { NONE, TwoChoices } from "./two-choices.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

export class LeastRequest extends PickerBase {
  readonly #world: PickerWorld;
  readonly #choices: TwoChoices;

  constructor(world: PickerWorld) {
    super();
    this.#world = world;
    this.#choices = new TwoChoices(world.columns, world.candidates, world.prng);
  }

  choose(facts: PickFacts): number {
    const { columns, trace } = this.#world;
    const choices = this.#choices;
    choices.draw(facts.tried);
    const { first, second } = choices;
    if (second === NONE) {
      trace.single(first, BY_ONLY);
      return first;
    }
    const { scores } = trace;
    scores[0] = columns.inFlight[first]! / nominalWeight(columns, first);
    scores[1] = columns.inFlight[second]! / nominalWeight(columns, second);
    trace.pair(first, second, BY_IN_FLIGHT);
    // A tie goes to the first, which is as random as the second.
    return scores[1] < scores[0] ? second : first;
  }

  factors(slot: number): readonly Factor[] {
    return commonFactors(this.#world.columns, slot);
  }

  copy(world: PickerWorld): LeastRequest {
    return new LeastRequest(world);
  }

  shareOf(slot: number): number {
    const { columns } = this.#world;
    return nominalWeight(columns, slot) / (columns.inFlight[slot]! + 1);
  }
}
