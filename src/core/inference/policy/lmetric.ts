/**
 * LMetric: new prefill work times batch size, for comparison.
 *
 *     score = (uncached prompt tokens waiting there + prompt - cached) * (requests in flight + 1)
 *
 * Neither factor needs a unit or a weight. Source: arXiv 2603.15202; SGLang and Dynamo ship the same product.
 */
import type { InferenceRequest } from "./inference-policy.ts";
import { Scored } from "./scored.ts";

export class Lmetric extends Scored {
  score(slot: number, request: InferenceRequest): number {
    const { ledger } = this.knowledge;
    const uncached = request.promptTokens - this.knowledge.cachedTokens(slot, request);
    return (ledger.waitingUncached[slot]! + uncached) * (ledger.inFlight[slot]! + 1);
  }
}
