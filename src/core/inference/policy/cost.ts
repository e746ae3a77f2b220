/**
 * Inference, the default: the endpoint where the request adds the least delay to the system, its own and that of others.
 *
 *     cost = wait + prefill + decode + stalls + followers + pressure + holding + eviction + adapter + errors + late [ms]
 *
 * wait: until the endpoint would begin with it. prefill: of what is not cached there; all in flight stand still meanwhile. decode:
 * how slow its tokens are among those there, and theirs because of it. stalls: prompts that will come between its tokens.
 * followers: those who come while the queue drains. pressure: until the KV cache has room. holding: the room it takes from those who
 * come meanwhile. eviction: what it pushes out of a cache may have to be computed again. The formulas are in cost-terms.ts.
 *
 * Everything is in ms of somebody's delay, so the terms need no weights. Sources: the system-delay form and its first results
 * are described in docs/inference.md; eviction cost after Preble (ICLR 2025), exploration and age of in-flight prefill after
 * what llm-d and Dynamo publish. Among costs that are practically equal the prompt's first unknown block decides by
 * rendezvous hashing, so that several gateways send a new prefix to the same place.
 */
import type { Factor } from "../../../model/explanation.ts";
import type { Prng } from "../../../std/prng.ts";
import { mixed } from "../../../std/murmur3.ts";
import { grown } from "../../signals/grown.ts";
import { Choice, FOR_BEGINNING, FOR_COST, FOR_EXPLORING } from "./choice.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import { CostTerms } from "./cost-terms.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Rule } from "./rule.ts";

/** Share of requests that go where the estimates are oldest, if that is not much dearer. */
const EXPLORED = 0.01;
const EXPLORED_COST_MAX = 2;
/** Costs this close, as a share of the request's own prefill without any cache, are equal: predictions are no better. */
const TIE_SHARE = 0.05;

export class Cost implements Rule {
  readonly #knowledge: Knowledge;
  readonly #prng: Prng;
  readonly #terms: CostTerms;
  readonly choice: Choice = new Choice();
  #costs = new Float64Array(16);
  /** By slot: when something was last sent there. */
  #sentMs = new Float64Array(16);

  constructor(knowledge: Knowledge, prng: Prng) {
    this.#knowledge = knowledge;
    this.#prng = prng;
    this.#terms = new CostTerms(knowledge);
  }

  choose(request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number {
    if (count === 1) return candidates[0]!;
    const { index, model } = this.#knowledge;
    if (this.#costs.length < count) this.#costs = new Float64Array(count * 2);
    const costs = this.#costs;
    index.match(request.blocks, candidates, count);
    index.at(nowMs);
    this.#terms.survey(candidates, count, nowMs);
    let best = 0;
    let deepest = 0;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      costs[i] = this.#terms.total(slot, request, nowMs);
      if (costs[i]! < costs[best]!) best = i;
      const depth = index.depths[slot]!;
      if (depth > deepest) deepest = depth;
    }
    const isExploring = this.#prng.float() < EXPLORED;
    const tieMs = model.prefillWorkMs(request.promptTokens, 0) * TIE_SHARE;
    const chosen = isExploring
      ? this.#stalest(candidates, count, best)
      : this.#firstOfEquals(request, deepest, candidates, count, costs[best]! + tieMs, best);
    this.choice.among(candidates, costs, count, chosen, isExploring ? FOR_EXPLORING : FOR_COST);
    if (!isExploring && this.choice.scores[1]! <= costs[best]! + tieMs) this.choice.cells[1] = FOR_BEGINNING;
    return candidates[chosen]!;
  }

  copy(knowledge: Knowledge, prng: Prng): Cost {
    const copied = new Cost(knowledge, prng);
    copied.#terms.remember(this.#terms);
    copied.#sentMs = this.#sentMs.slice();
    return copied;
  }

  sent(slot: number, _request: InferenceRequest, nowMs: number): void {
    if (slot >= this.#sentMs.length) {
      this.#sentMs = grown(this.#sentMs, slot * 2);
    }
    this.#sentMs[slot] = nowMs;
  }

  left(slot: number): void {
    if (slot < this.#sentMs.length) this.#sentMs[slot] = 0;
  }

  factors(slot: number, request: InferenceRequest, nowMs: number): readonly Factor[] {
    const one = Int32Array.of(slot);
    this.#knowledge.index.match(request.blocks, one, 1);
    return this.#terms.explain(slot, request, nowMs);
  }

  /** Index among the candidates. */
  #firstOfEquals(
    request: InferenceRequest,
    deepest: number,
    candidates: Int32Array,
    count: number,
    costMax: number,
    best: number,
  ): number {
    const { blocks, session } = request;
    const { identity } = this.#knowledge;
    // Nothing to remember it by: any of them.
    let key = session === 0 ? this.#prng.uint32() : session;
    if (blocks.count > 0) key = blocks.hashes[Math.min(deepest, blocks.count - 1)]! | 0;
    let chosen = best;
    let highest = -1;
    for (let i = 0; i < count; i++) {
      if (this.#costs[i]! > costMax) continue;
      const weight = mixed(key ^ mixed(identity[candidates[i]!]!)) >>> 0;
      if (weight > highest) {
        highest = weight;
        chosen = i;
      }
    }
    return chosen;
  }

  /** Who has been sent nothing for the longest time among those at most twice as dear as the best: its index. */
  #stalest(candidates: Int32Array, count: number, best: number): number {
    let stalest = best;
    const costMax = this.#costs[best]! * EXPLORED_COST_MAX;
    for (let i = 0; i < count; i++) {
      if (this.#costs[i]! > costMax) continue;
      if ((this.#sentMs[candidates[i]!] ?? 0) < (this.#sentMs[candidates[stalest]!] ?? 0)) stalest = i;
    }
    return stalest;
  }
}
