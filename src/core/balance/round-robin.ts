/**
 * RoundRobin: each candidate in turn, as often as its weight says (static-stride.ts).
 *
 * The turn starts at a random place, so that gateways started together do not all begin with the same endpoint.
 * The list's order changes when endpoints come, go or fill up, so around such a moment one may be passed over or
 * served twice; while nothing changes, shares are exact. Blind to load and to failures.
 */
import type { Factor } from "../../model/explanation.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { StaticStride } from "./static-stride.ts";
import { BY_TURN } from "./trace.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

export class RoundRobin extends PickerBase {
  readonly #world: PickerWorld;
  readonly #stride: StaticStride;

  constructor(world: PickerWorld, stride = new StaticStride(world.prng.uint32() >>> 1)) {
    super();
    this.#world = world;
    this.#stride = stride;
  }

  choose(facts: PickFacts): number {
    const { candidates, trace } = this.#world;
    const { tried } = facts;
    const slot =
      tried.length === 0 ? this.#stride.turn(candidates) : this.#stride.untriedTurn(candidates, tried);
    trace.single(slot, BY_TURN);
    return slot;
  }

  override entered(slot: number): void {
    const { columns } = this.#world;
    this.#stride.setWeight(slot, nominalWeight(columns, slot) / columns.traits.weightMax[0]!);
  }

  /** Weights may have changed, and slow starts have gone on. */
  override rebalance(): void {
    const { candidates } = this.#world;
    for (let index = 0; index < candidates.size; index++) this.entered(candidates.at(index));
  }

  shareOf(slot: number): number {
    return nominalWeight(this.#world.columns, slot);
  }

  factors(slot: number): readonly Factor[] {
    return commonFactors(this.#world.columns, slot);
  }

  copy(world: PickerWorld): RoundRobin {
    return new RoundRobin(world, this.#stride.copy());
  }
}
