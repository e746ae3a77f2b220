/**
 * LeastTokens: the endpoint with the fewest tokens in flight, prompts and expected answers together, whatever its
 * cache holds.
 *
 *     score = sum over its requests in flight of (promptTokens + expectedOutputTokens)
 *
 * The simplest policy that knows that requests differ in size. Ties go to a random one.
 */
import type { Factor } from "../../../model/explanation.ts";
import type { Prng } from "../../../std/prng.ts";
import { IDLE, WAITING } from "./attempt.ts";
import type { InferencePolicy, InferenceRequest, InferenceWorld } from "./inference-policy.ts";

export class LeastTokens implements InferencePolicy {
  readonly #prng: Prng;
  #tokens = new Float64Array(16);

  constructor(world: InferenceWorld) {
    this.#prng = world.prng;
  }

  choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    const start = this.#prng.below(count);
    let best = candidates[start]!;
    for (let i = 1; i < count; i++) {
      const slot = candidates[(start + i) % count]!;
      if (this.#tokens[slot]! < this.#tokens[best]!) best = slot;
    }
    return best;
  }

  sent(slot: number, request: InferenceRequest, nowMs: number): void {
    const { attempt } = request;
    attempt.state = WAITING;
    attempt.slot = slot;
    attempt.sentMs = nowMs;
    attempt.kvTokens = request.promptTokens + request.expectedOutputTokens;
    this.#tokens[slot] = this.#tokens[slot]! + attempt.kvTokens;
  }

  ended(slot: number, request: InferenceRequest): void {
    request.attempt.state = IDLE;
    this.#tokens[slot] = this.#tokens[slot]! - request.attempt.kvTokens;
  }

  joined(slot: number): void {
    if (slot >= this.#tokens.length) {
      const after = new Float64Array(Math.max(slot + 1, this.#tokens.length * 2));
      after.set(this.#tokens);
      this.#tokens = after;
    }
    this.#tokens[slot] = 0;
  }

  left(_slot: number): void {}
  firstToken(): void {}
  tokens(): void {}
  reported(): void {}
  cacheStored(): void {}
  cacheRemoved(): void {}
  cacheCleared(): void {}

  factors(slot: number): readonly Factor[] {
    return [{ name: "tokensInFlight", value: this.#tokens[slot]!, unit: "tokens" }];
  }
}
