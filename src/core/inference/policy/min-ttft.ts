/**
 * MinTtft: the lowest predicted time to the first token, for comparison.
 *
 *     score = wait + prefill of what is not cached there                      [ms]
 *
 * by this router's own step model, without transfer of cached blocks between endpoints. Source: Mooncake's Conductor (FAST
 * 2025).
 */
import type { InferenceRequest } from "./inference-policy.ts";
import { Scored } from "./scored.ts";

export class MinTtft extends Scored {
  score(slot: number, request: InferenceRequest, nowMs: number): number {
    return this.knowledge.ttftMs(slot, request, this.knowledge.cachedTokens(slot, request), nowMs);
  }
}
