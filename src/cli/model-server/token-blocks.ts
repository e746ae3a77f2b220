/**
 * A sequence's tokens in blocks, each known by a hash of all tokens up to its end: what the engine's cache goes by.
 *
 * As in vLLM: a chain over (the hash before, the block's tokens), its root the adapter and the cache salt; full blocks only. The
 * hashing is that of prompts (core/inference/read/block-hash.ts): integers of 53 bits, which go over the wire as they are.
 */
import { asNumber, chain, createLanes, hashWords } from "../../core/inference/read/block-hash.ts";
import { murmur3 } from "../../std/murmur3.ts";

export function hashBlocks(
  tokens: Int32Array,
  blockTokens: number,
  adapter: string,
  cacheSalt: string,
): Float64Array {
  const count = Math.floor(tokens.length / blockTokens);
  const hashes = new Float64Array(count);
  const state = createLanes();
  const content = createLanes();
  for (const root of [adapter, cacheSalt]) chain(state, murmur3(root, 1), murmur3(root, 2));
  for (let block = 0; block < count; block++) {
    const words = tokens.subarray(block * blockTokens, (block + 1) * blockTokens);
    hashWords(words, blockTokens, 4 * blockTokens, content);
    chain(state, content[0]!, content[1]!);
    hashes[block] = asNumber(state);
  }
  return hashes;
}

/** 32 bits that depend on all tokens. */
export function seedOf(tokens: readonly number[], salt: number): number {
  const content = createLanes();
  hashWords(Int32Array.from(tokens), tokens.length, 4 * tokens.length, content);
  return (content[0]! ^ Math.imul(content[1]! + salt, 0x9e3779b1)) >>> 0;
}
