/**
 * A rule that gives each candidate a score and takes the lowest, a random one among equals.
 */
import type { Factor } from "../../../model/explanation.ts";
import type { Prng } from "../../../std/prng.ts";
import type { Choice } from "./choice.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import type { Knowledge } from "./knowledge.ts";
import { LowestScore } from "./lowest-score.ts";
import type { Rule } from "./rule.ts";

export abstract class Scored implements Rule {
  protected readonly knowledge: Knowledge;
  protected readonly lowest: LowestScore;
  protected readonly prng: Prng;

  constructor(knowledge: Knowledge, prng: Prng) {
    this.knowledge = knowledge;
    this.prng = prng;
    this.lowest = new LowestScore(prng);
  }

  get choice(): Choice {
    return this.lowest.choice;
  }

  /** What of the score belongs to the slot; unit as the formula has it. */
  abstract score(slot: number, request: InferenceRequest, nowMs: number): number;

  /** What the candidates have in common; the prefix index has been asked. */
  protected prepare(
    _request: InferenceRequest,
    _candidates: Int32Array,
    _count: number,
    _nowMs: number,
  ): void {}

  choose(request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number {
    this.knowledge.index.match(request.blocks, candidates, count);
    this.prepare(request, candidates, count, nowMs);
    const scores = this.lowest.reserve(count);
    for (let i = 0; i < count; i++) scores[i] = this.score(candidates[i]!, request, nowMs);
    return this.lowest.pick(candidates, count);
  }

  factors(slot: number, request: InferenceRequest, nowMs: number): readonly Factor[] {
    const one = Int32Array.of(slot);
    this.knowledge.index.match(request.blocks, one, 1);
    this.prepare(request, one, 1, nowMs);
    return [
      { name: "score", value: this.score(slot, request, nowMs), unit: "" },
      { name: "cachedTokens", value: this.knowledge.cachedTokens(slot, request), unit: "tokens" },
      { name: "inFlight", value: this.knowledge.ledger.inFlight[slot]!, unit: "requests" },
    ];
  }
}
