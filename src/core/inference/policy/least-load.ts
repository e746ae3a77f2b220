/**
 * LeastLoad: seconds to drain and a barrier at a full KV cache, for comparison.
 *
 *     score = (queued + in-flight prompt tokens) / throughput + w * k / (1 - k)                   [s]
 *
 * k: reported KV use; w 0.15 s; throughput 2000 tokens/s, as where none is configured. Prompt tokens count until the first
 * token, cached or not. The original polls every ten seconds and adds what it sent since; the own account is that at any
 * time. Source: smg, policy least_load.
 */
import { Scored } from "./scored.ts";

const THROUGHPUT_PER_SEC = 2000;
const KV_WEIGHT_SEC = 0.15;

export class LeastLoad extends Scored {
  score(slot: number): number {
    const { ledger, reports } = this.knowledge;
    const used = Math.min(0.999, Math.max(0, reports.kvUsedRatio[slot]!));
    return ledger.waitingTokens[slot]! / THROUGHPUT_PER_SEC + (KV_WEIGHT_SEC * used) / (1 - used);
  }
}
