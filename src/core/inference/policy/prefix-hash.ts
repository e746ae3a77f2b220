/**
 * PrefixHash: the beginning of the prompt decides, with bounded load, for comparison.
 *
 * Endpoints stand in an order of their own for each beginning (rendezvous hashing of the first 256 tokens' last whole block
 * with the endpoint's identity); the first that has at most 1.25 times the mean of requests in flight takes it. Sources: smg,
 * policy prefix_hash (which has a ring); consistent hashing with bounded loads (Mirrokni and others, 2018).
 */
import type { Factor } from "../../../model/explanation.ts";
import type { Prng } from "../../../std/prng.ts";
import { mixed } from "../../../std/murmur3.ts";
import { Choice, FOR_KEY } from "./choice.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Rule } from "./rule.ts";

const PREFIX_TOKENS = 256;
const LOAD_MAX = 1.25;

export class PrefixHash implements Rule {
  readonly #knowledge: Knowledge;
  readonly choice: Choice = new Choice();

  constructor(knowledge: Knowledge, _prng: Prng) {
    this.#knowledge = knowledge;
    this.choice.single(FOR_KEY);
  }

  choose(request: InferenceRequest, candidates: Int32Array, count: number): number {
    const { inFlight } = this.#knowledge.ledger;
    let sum = 1;
    for (let i = 0; i < count; i++) sum += inFlight[candidates[i]!]!;
    const most = Math.ceil((LOAD_MAX * sum) / count);
    const key = keyOf(request);
    let chosen = candidates[0]!;
    let highest = -1;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      // With the mean rounded up there always is one below it.
      if (inFlight[slot]! >= most) continue;
      const weight = mixed(key ^ mixed(this.#knowledge.identity[slot]!)) >>> 0;
      if (weight > highest) {
        highest = weight;
        chosen = slot;
      }
    }
    return chosen;
  }

  factors(slot: number): readonly Factor[] {
    return [{ name: "inFlight", value: this.#knowledge.ledger.inFlight[slot]!, unit: "requests" }];
  }
}

function keyOf({ blocks, tokensPerBlock, session }: InferenceRequest): number {
  if (blocks.count === 0) return session;
  const last = Math.max(1, Math.min(blocks.count, Math.floor(PREFIX_TOKENS / tokensPerBlock)));
  return blocks.hashes[last - 1]! | 0;
}
