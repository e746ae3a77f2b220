/**
 * Policies that know nothing of language models: by turns, by lot, by requests in flight. What an ordinary load balancer does.
 */
import type {
  InferencePolicy,
  InferenceRequest,
  InferenceWorld,
} from "../../../core/inference/policy/inference-policy.ts";
import type { Prng } from "../../../std/prng.ts";

/** Hears everything and remembers nothing. */
export abstract class BlindPolicy implements InferencePolicy {
  abstract choose(request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number;
  sent(_slot: number, _request: InferenceRequest, _nowMs: number): void {}
  firstToken(_slot: number, _request: InferenceRequest, _nowMs: number): void {}
  tokens(): void {}
  ended(_slot: number, _request: InferenceRequest): void {}
  reported(): void {}
  cacheStored(): void {}
  cacheRemoved(): void {}
  cacheCleared(): void {}
  joined(_slot: number): void {}
  left(): void {}
  factors(): readonly never[] {
    return [];
  }
}

export class RoundRobin extends BlindPolicy {
  #turn = 0;

  override choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    return candidates[this.#turn++ % count]!;
  }
}

export class Random extends BlindPolicy {
  readonly #prng: Prng;

  constructor({ prng }: InferenceWorld) {
    super();
    this.#prng = prng;
  }

  override choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    return candidates[this.#prng.below(count)]!;
  }
}

/** Fewest requests in flight; with `samples`, the better of so many drawn at random. */
export class LeastRequest extends BlindPolicy {
  readonly #prng: Prng;
  readonly #samples: number | undefined;
  readonly #inFlight: number[] = [];

  constructor({ prng }: InferenceWorld, samples?: number) {
    super();
    this.#prng = prng;
    this.#samples = samples;
  }

  override choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    const start = this.#prng.below(count);
    let best = candidates[start]!;
    for (let place = 1; place < (this.#samples ?? count); place++) {
      const other = this.#samples === undefined ? (start + place) % count : this.#prng.below(count);
      const slot = candidates[other]!;
      if (this.#inFlight[slot]! < this.#inFlight[best]!) best = slot;
    }
    return best;
  }

  override sent(slot: number): void {
    this.#inFlight[slot]!++;
  }

  override ended(slot: number): void {
    this.#inFlight[slot]!--;
  }

  override joined(slot: number): void {
    this.#inFlight[slot] = 0;
  }
}
