/**
 * GieWeighted: the endpoint picker of the Gateway API Inference Extension as it comes, for comparison.
 *
 *     score = q * (max - waiting) / (max - min) + k * (1 - kvUsedRatio) + p * matched blocks / blocks       highest wins
 *
 * with q, k, p = 2, 2, 3 in the chart's default profile and 1, 1, 1 where the plugins are listed without weights. Queue and
 * KV use are those of the last scrape, whatever was sent since. Equal queues count 1. An endpoint never scraped counts as
 * empty. Source: llm-d-router, plugin READMEs of queue-scorer, kv-cache-utilization-scorer and prefix-cache-scorer.
 */
import type { Prng } from "../../../std/prng.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import type { Knowledge } from "./knowledge.ts";
import { Scored } from "./scored.ts";

export interface GieWeights {
  readonly queue: number;
  readonly kv: number;
  readonly prefix: number;
}

export class GieWeighted extends Scored {
  readonly #weights: GieWeights;
  #least = 0;
  #most = 0;

  constructor(knowledge: Knowledge, prng: Prng, weights: GieWeights) {
    super(knowledge, prng);
    this.#weights = weights;
  }

  protected override prepare(_request: InferenceRequest, candidates: Int32Array, count: number): void {
    this.#least = Number.POSITIVE_INFINITY;
    this.#most = 0;
    for (let i = 0; i < count; i++) {
      const queue = this.#queue(candidates[i]!);
      this.#least = Math.min(this.#least, queue);
      this.#most = Math.max(this.#most, queue);
    }
  }

  score(slot: number, request: InferenceRequest): number {
    const { index, reports } = this.knowledge;
    const spread = this.#most - this.#least;
    const queue = spread === 0 ? 1 : (this.#most - this.#queue(slot)) / spread;
    const kv = 1 - Math.max(0, reports.kvUsedRatio[slot]!);
    const { count } = request.blocks;
    const prefix = count === 0 ? 0 : index.depths[slot]! / count;
    return -(this.#weights.queue * queue + this.#weights.kv * kv + this.#weights.prefix * prefix);
  }

  #queue(slot: number): number {
    return Math.max(0, this.knowledge.reports.waiting[slot]!);
  }
}
