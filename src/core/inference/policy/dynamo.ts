/**
 * DynamoCost: the cost of NVIDIA Dynamo's KV router, for comparison.
 *
 *     cost = (uncached prompt tokens waiting there + prompt - cached) + tokens of requests in flight there          [tokens]
 *
 * both over the block size in the original, which changes nothing; overlap credit 1, scale 1, temperature 0. Prefill is
 * charged until the first token, context until the end. Source: dynamo lib/kv-router, default selector.
 */
import type { InferenceRequest } from "./inference-policy.ts";
import { Scored } from "./scored.ts";

export class DynamoCost extends Scored {
  score(slot: number, request: InferenceRequest): number {
    const { ledger } = this.knowledge;
    const cached = this.knowledge.cachedTokens(slot, request);
    return ledger.waitingUncached[slot]! + request.promptTokens - cached + ledger.context[slot]!;
  }
}
