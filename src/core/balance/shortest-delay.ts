/**
 * ShortestDelay: of all endpoints, the one where the next request is expected to be answered first.
 *
 * What Auto means until it knows better. The cost of an endpoint is in delay-cost.ts; a tie is broken by chance, and
 * as near-equal speeds count as equal, ties are what sound endpoints with equal queues have.
 *
 * Up to SCAN_MAX candidates all are compared, of more SCAN_LARGE neighbours in the list (which is in no order) from a
 * random place on. With live counts of requests in flight the best has no need for the luck of two choices: at
 * 80 % load and one slot each the p99 is 38 ms against 49. What speaks for two choices is stale knowledge shared by
 * many, but own counts are not stale, and in simulation five gateways that compare all have half the tail of five
 * that compare two. While weights differ or an endpoint starts slowly two are drawn all the same
 * (two-choices.ts): a draw can follow weights where a comparison of idle endpoints cannot.
 */
import type { Factor } from "../../model/explanation.ts";
import type { Outcome } from "../../model/outcome.ts";
import { DelayCost } from "./delay-cost.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { BY_COST, BY_ONLY } from "./trace.ts";
import { NONE, TwoChoices } from "./two-choices.ts";
import { nominalWeight } from "./weight.ts";

/** A comparison costs about 35 ns: a microsecond for the largest scan. */
const SCAN_MAX = 32;
/** Of many, half as many tell nearly as much, and their cells are cold: each costs twice. */
const SCAN_LARGE = 16;

export class ShortestDelay extends PickerBase {
  readonly #world: PickerWorld;
  readonly #choices: TwoChoices;
  readonly #cost: DelayCost;

  constructor(world: PickerWorld, cost: DelayCost = new DelayCost(world.columns)) {
    super();
    this.#world = world;
    this.#choices = new TwoChoices(world.columns, world.candidates, world.prng);
    this.#cost = cost;
  }

  choose(facts: PickFacts, nowMs: number): number {
    const { candidates, prng } = this.#world;
    const { tried } = facts;
    const n = tried.length === 0 ? candidates.size : candidates.untried(tried);
    const count = n <= SCAN_MAX ? n : SCAN_LARGE;
    const from = n <= SCAN_MAX ? 0 : prng.below(n);
    return this.#areAlike(from, count, n)
      ? this.#bestOf(from, count, n, nowMs)
      : this.#betterOfTwo(tried, nowMs);
  }

  override answered(slot: number, nowMs: number): void {
    this.#cost.answered(slot, nowMs);
  }

  override ended(slot: number, outcome: Outcome, nowMs: number): void {
    this.#cost.ended(slot, outcome, nowMs);
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    return this.#cost.factors(slot, this.#world.candidates.size, nowMs);
  }

  copy(world: PickerWorld): ShortestDelay {
    return new ShortestDelay(world, this.#cost.copy(world.columns));
  }

  /** By speed alone; the queue is gone by the time a weight takes effect. */
  shareOf(slot: number, nowMs: number): number {
    return nominalWeight(this.#world.columns, slot) / this.#cost.steadyMs(slot, nowMs);
  }

  /** Those who would be compared have the largest weight, and none of them starts slowly. */
  #areAlike(from: number, count: number, n: number): boolean {
    const { columns, candidates } = this.#world;
    const max = columns.traits.weightMax[0]!;
    for (let i = 0; i < count; i++) {
      if (nominalWeight(columns, candidates.at(wrapped(from + i, n))) < max) return false;
    }
    return true;
  }

  /** `count` of the first n candidates, from one of them on. */
  #bestOf(from: number, count: number, n: number, nowMs: number): number {
    const { candidates, prng, trace } = this.#world;
    const { scores } = trace;
    const costs = this.#cost;
    const { cells } = costs;
    const { size } = candidates;
    let best = candidates.at(from);
    let next = NONE;
    let equals = 1;
    costs.write(best, size, nowMs);
    scores[0] = cells[0]!;
    scores[1] = Number.NaN;
    for (let i = 1; i < count; i++) {
      const slot = candidates.at(wrapped(from + i, n));
      costs.write(slot, size, nowMs);
      const isEqual = cells[0] === scores[0];
      equals = isEqual ? equals + 1 : equals;
      // The k-th of equals takes the place with the chance 1 / k: each is as likely in the end.
      if (cells[0]! < scores[0] || (isEqual && prng.below(equals) === 0)) {
        if (!isEqual) equals = 1;
        next = best;
        scores[1] = scores[0]!;
        best = slot;
        scores[0] = cells[0]!;
      } else if (next === NONE || cells[0]! < scores[1]) {
        next = slot;
        scores[1] = cells[0]!;
      }
    }
    if (next === NONE) trace.single(best, BY_ONLY);
    else trace.pair(best, next, BY_COST, count);
    if (trace.scan !== undefined) {
      for (let i = 0; i < count; i++) trace.scan.push(candidates.at(wrapped(from + i, n)));
    }
    return best;
  }

  #betterOfTwo(tried: readonly number[], nowMs: number): number {
    const { candidates, trace } = this.#world;
    const choices = this.#choices;
    choices.draw(tried);
    const { first, second } = choices;
    if (second === NONE) {
      trace.single(first, BY_ONLY);
      return first;
    }
    const { scores } = trace;
    const { cells } = this.#cost;
    this.#cost.write(first, candidates.size, nowMs);
    scores[0] = cells[0]!;
    this.#cost.write(second, candidates.size, nowMs);
    scores[1] = cells[0]!;
    trace.pair(first, second, BY_COST);
    return scores[1] < scores[0] ? second : first;
  }
}

/** For an index below 2n. */
function wrapped(index: number, n: number): number {
  return index < n ? index : index - n;
}
