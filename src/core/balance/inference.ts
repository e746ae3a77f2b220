/**
 * Inference: requests to model servers go where the pool's inference policy says (core/inference/policy); this is its seat
 * among the balancing policies.
 *
 * What is no prompt (`GET /v1/models`, a health page) is chosen by Auto, which knows requests only. Several pickers of one
 * pool, in lanes or zones, share the one policy: a prefix that one of them placed is known to all.
 */
import type { InferenceRequest } from "../inference/policy/inference-policy.ts";
import type { Factor } from "../../model/explanation.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type Picker, type PickerWorld } from "./picker.ts";
import { BY_ONLY } from "./trace.ts";

export class Inference extends PickerBase {
  readonly #world: PickerWorld;
  /** For all that is no prompt. */
  readonly #plain: Picker;
  #candidates = new Int32Array(16);
  /** In a copy that is asked for reasons: what it was asked about. */
  #asked: InferenceRequest | undefined = undefined;

  constructor(world: PickerWorld, plain: Picker) {
    super();
    this.#world = world;
    this.#plain = plain;
  }

  choose(facts: PickFacts, nowMs: number): number {
    const { candidates, trace } = this.#world;
    const world = this.#world.inference();
    const { prompt, stage } = facts;
    if (prompt === undefined || world === undefined) return this.#plain.choose(facts, nowMs);
    const untried = candidates.untried(facts.tried);
    if (this.#candidates.length < untried) this.#candidates = new Int32Array(candidates.size * 2);
    let count = 0;
    for (let i = 0; i < untried; i++) {
      const slot = candidates.at(i);
      if (world.misfit(slot, prompt, stage ?? "decode") === undefined) this.#candidates[count++] = slot;
    }
    // Meant for other prompts is better than nobody.
    if (count === 0) for (; count < untried; count++) this.#candidates[count] = candidates.at(count);
    const { policy } = world;
    const slot = policy.choose(prompt, this.#candidates, count, nowMs);
    if (count === 1) trace.single(slot, BY_ONLY);
    else {
      const { choice } = policy;
      trace.scores[0] = choice.scores[0]!;
      trace.scores[1] = choice.scores[1]!;
      trace.pair(slot, choice.other, choice.reason, choice.all === undefined ? 2 : count);
    }
    if (trace.scan !== undefined) {
      this.#asked = prompt;
      const all = count === 1 ? undefined : policy.choice.all;
      trace.scan.push(...this.#candidates.subarray(0, count));
      if (all !== undefined) trace.scanScores.push(...all.subarray(0, count));
    }
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
    const world = this.#world.inference();
    if (this.#asked === undefined || world === undefined) return this.#plain.factors(slot, nowMs);
    return world.policy.factors(slot, this.#asked, nowMs);
  }

  copy(world: PickerWorld): Inference {
    return new Inference(world, this.#plain.copy(world));
  }
}
