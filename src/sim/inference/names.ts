/**
 * Engines and gateways hash prompts differently: what an engine calls 17, a gateway knows by another number of its own.
 *
 * Gateways' hashes spread over [1, 2^53), as those of real prompts do; no two contents share one: the lower word is a permutation.
 */
import type { BlockHashes } from "../../core/inference/policy/inference-policy.ts";
import type { WorkloadRequest } from "./workload/workload.ts";

export interface BlockNames {
  /** By engine hash. */
  readonly byHash: Float64Array;
  /** The full blocks of the request's prompt; the answer is not known to gateways. */
  blocksOf(work: WorkloadRequest, blockTokens: number): BlockHashes;
}

export function nameBlocks(requests: readonly WorkloadRequest[]): BlockNames {
  let largest = 0;
  for (const { hashes } of requests) for (const hash of hashes) if (hash > largest) largest = hash;
  const byHash = new Float64Array(largest + 1);
  for (let hash = 1; hash <= largest; hash++) byHash[hash] = mixed(hash);
  return {
    byHash,
    blocksOf: ({ hashes, promptTokens }, blockTokens) => {
      const count = Math.min(hashes.length, Math.floor(promptTokens / blockTokens));
      const names = new Float64Array(count);
      for (let index = 0; index < count; index++) names[index] = byHash[hashes[index]!]!;
      return { hashes: names, count };
    },
  };
}

/** Two rounds of a 32-bit finaliser, 53 bits of them. */
function mixed(hash: number): number {
  const low = finalise(hash);
  const high = finalise(low ^ 0x9e37_79b9) & 0x1f_ffff;
  return high * 4_294_967_296 + low + 1 - (high === 0x1f_ffff ? 1 : 0);
}

function finalise(word: number): number {
  let mix = word ^ (word >>> 16);
  mix = Math.imul(mix, 0x85eb_ca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2_ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
