/**
 * Which key a request carries: the hash that decides its endpoint under ConsistentHash, drawn from a Zipf distribution.
 */
import { hashText } from "../../core/balance/hash-key.ts";
import { NO_HASH } from "../../core/balance/pick-facts.ts";
import type { Prng } from "../../std/prng.ts";
import type { KeySpec } from "../scenario/scenario.ts";

export function keySampler(spec: KeySpec | undefined, prng: Prng): () => number {
  if (spec === undefined) return () => NO_HASH;
  const hashes = Int32Array.from({ length: spec.count }, (_, key) => hashText(`key-${key}`));
  const sums = new Float64Array(spec.count);
  let sum = 0;
  for (let key = 0; key < spec.count; key++) {
    sum += (key + 1) ** -spec.skew;
    sums[key] = sum;
  }
  return () => hashes[placeOf(sums, prng.float() * sum)]!;
}

/** The first place whose sum is above the value: binary search. */
function placeOf(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
