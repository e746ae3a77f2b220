/**
 * Sticky: to who holds the prompt until that is saturated, for comparison.
 *
 * Only endpoints that hold at least 0.8 of the prompt's blocks stand for choice (all, if there is none), unless the best of
 * them would take more than PENALTY_MAX longer to the first token than the best of the others, where time = uncached tokens in
 * flight / 15,928 per second. Of those, the lowest
 *
 *     score = uncached prompt tokens waiting there + prompt - cached                 [tokens]
 *
 * Source: llm-d router, prefix-cache-affinity filter and token-load scorer with their defaults of August 2026 (18 s).
 */
import type { Prng } from "../../../std/prng.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import type { Knowledge } from "./knowledge.ts";
import { Scored } from "./scored.ts";

const MATCH_MIN = 0.8;
const TOKENS_PER_MS = 15.928;

export class Sticky extends Scored {
  readonly #penaltyMaxMs: number;
  #sticks = false;

  constructor(knowledge: Knowledge, prng: Prng, penaltyMaxMs: number) {
    super(knowledge, prng);
    this.#penaltyMaxMs = penaltyMaxMs;
  }

  protected override prepare(request: InferenceRequest, candidates: Int32Array, count: number): void {
    const { ledger } = this.knowledge;
    let warm = Number.POSITIVE_INFINITY;
    let cold = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      const uncached = ledger.waitingUncached[slot]!;
      if (this.#isWarm(slot, request)) warm = Math.min(warm, uncached);
      else cold = Math.min(cold, uncached);
    }
    this.#sticks = warm < Number.POSITIVE_INFINITY && !(warm - cold > this.#penaltyMaxMs * TOKENS_PER_MS);
  }

  score(slot: number, request: InferenceRequest): number {
    if (this.#sticks && !this.#isWarm(slot, request)) return Number.POSITIVE_INFINITY;
    const cached = this.knowledge.cachedTokens(slot, request);
    return this.knowledge.ledger.waitingUncached[slot]! + request.promptTokens - cached;
  }

  #isWarm(slot: number, request: InferenceRequest): boolean {
    const { count } = request.blocks;
    return count > 0 && this.knowledge.index.depths[slot]! >= MATCH_MIN * count;
  }
}
