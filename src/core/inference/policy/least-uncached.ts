/**
 * LeastUncached: the endpoint with the least uncached prompt work in flight, this request's own included.
 *
 *     score = uncached prompt tokens waiting there + prompt - cached                 [tokens]
 *
 * The token-load scorer that recent routers have in common, without their stickiness.
 */
import type { InferenceRequest } from "./inference-policy.ts";
import { Scored } from "./scored.ts";

export class LeastUncached extends Scored {
  score(slot: number, request: InferenceRequest): number {
    const cached = this.knowledge.cachedTokens(slot, request);
    return this.knowledge.ledger.waitingUncached[slot]! + request.promptTokens - cached;
  }
}
