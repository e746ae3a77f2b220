/**
 * Random: each candidate in proportion to its weight. Blind to load; the yardstick for the other policies.
 */
import type { Factor } from "../../model/explanation.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { BY_CHANCE } from "./trace.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

/** As in two-choices.ts. */
const DRAWS_MAX = 64;

export class Random extends PickerBase {
  readonly #world: PickerWorld;

  constructor(world: PickerWorld) {
    super();
    this.#world = world;
  }

  choose(facts: PickFacts): number {
    const { candidates, trace } = this.#world;
    const n = facts.tried.length === 0 ? candidates.size : candidates.untried(facts.tried);
    const slot = this.#draw(n);
    trace.single(slot, BY_CHANCE);
    return slot;
  }

  factors(slot: number): readonly Factor[] {
    return commonFactors(this.#world.columns, slot);
  }

  copy(world: PickerWorld): Random {
    return new Random(world);
  }

  shareOf(slot: number): number {
    return nominalWeight(this.#world.columns, slot);
  }

  #draw(n: number): number {
    const { candidates, columns, prng } = this.#world;
    const max = columns.traits.weightMax[0]!;
    let slot = candidates.at(0);
    for (let draws = 0; draws < DRAWS_MAX; draws++) {
      slot = candidates.at(prng.below(n));
      const weight = nominalWeight(columns, slot);
      if (weight >= max || prng.float() * max < weight) return slot;
    }
    return slot;
  }
}
