/**
 * CacheAware: SGLang's router, for comparison.
 *
 * While loads are even, the endpoint that holds most of the prompt, if that is more than 0.3 of it, else the one with the
 * fewest requests in flight. Loads are uneven when max - min > 64 and max > 1.5 * min; then fewest in flight at once.
 * Source: sgl-model-gateway, policy cache_aware with the defaults of its command line (newer form: a miss goes to the least
 * loaded, not to the smallest tree).
 */
import type { InferenceRequest } from "./inference-policy.ts";
import { Scored } from "./scored.ts";

const MATCH_MIN = 0.3;
const SPREAD_MAX = 64;
const RATIO_MAX = 1.5;

export class CacheAware extends Scored {
  #follows = false;

  protected override prepare(request: InferenceRequest, candidates: Int32Array, count: number): void {
    const { ledger, index } = this.knowledge;
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    let deepest = 0;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      least = Math.min(least, ledger.inFlight[slot]!);
      most = Math.max(most, ledger.inFlight[slot]!);
      deepest = Math.max(deepest, index.depths[slot]!);
    }
    const uneven = most - least > SPREAD_MAX && most > RATIO_MAX * least;
    this.#follows = !uneven && deepest > MATCH_MIN * request.blocks.count;
  }

  score(slot: number): number {
    const { ledger, index } = this.knowledge;
    return this.#follows ? -index.depths[slot]! : ledger.inFlight[slot]!;
  }
}
