/**
 * Inference: requests to model servers go where the pool's inference policy says (core/inference/policy); this is its seat
 * among the balancing policies.
 *
 * What is no prompt (`GET /v1/models`, a health page) is chosen by Auto, which knows requests only. Several pickers of one
 * pool, in lanes or zones, share the one policy: a prefix that one of them placed is known to all.
 */
import type { Factor } from "../../model/explanation.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type Picker, type PickerWorld } from "./picker.ts";
import { BY_COST, BY_ONLY } from "./trace.ts";

export class Inference extends PickerBase {
  readonly #world: PickerWorld;
  /** For all that is no prompt. */
  readonly #plain: Picker;
  #candidates = new Int32Array(16);

  constructor(world: PickerWorld, plain: Picker) {
    super();
    this.#world = world;
    this.#plain = plain;
  }

  choose(facts: PickFacts, nowMs: number): number {
    const { candidates, trace } = this.#world;
    const policy = this.#world.inference();
    const { prompt } = facts;
    if (prompt === undefined || policy === undefined) return this.#plain.choose(facts, nowMs);
    const count = candidates.untried(facts.tried);
    if (this.#candidates.length < count) this.#candidates = new Int32Array(candidates.size * 2);
    for (let i = 0; i < count; i++) this.#candidates[i] = candidates.at(i);
    const slot = policy.choose(prompt, this.#candidates, count, nowMs);
    trace.single(slot, count === 1 ? BY_ONLY : BY_COST);
    return slot;
  }

  override entered(slot: number, nowMs: number): void {
    this.#plain.entered(slot, nowMs);
  }

  override left(slot: number): void {
    this.#plain.left(slot);
  }

  override answered(slot: number, nowMs: number): void {
    this.#plain.answered(slot, nowMs);
  }

  override ended(slot: number, outcome: Outcome, nowMs: number): void {
    this.#plain.ended(slot, outcome, nowMs);
  }

  override reported(slot: number, nowMs: number): void {
    this.#plain.reported(slot, nowMs);
  }

  override rebalance(nowMs: number): void {
    this.#plain.rebalance(nowMs);
  }

  override weigh(slots: readonly number[], nowMs: number, shares: Float64Array): void {
    this.#plain.weigh(slots, nowMs, shares);
  }

  shareOf(): number {
    return 1;
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    return this.#plain.factors(slot, nowMs);
  }

  copy(world: PickerWorld): Inference {
    return new Inference(world, this.#plain.copy(world));
  }
}
