/**
 * The gateway's own name for an engine's block: a chained hash over its tokens, all those before it, and what else sets it apart.
 *
 * Engines name their blocks by hashes with a seed and an algorithm of their own, so the same block has another name in
 * every engine and every life of it. The tokens are the same in all; from them everybody who has them gets this name,
 * be it from an event or from a prompt.
 *
 * Names are integers in [1, 2^53); see read/block-hash.ts for how likely two meet.
 */
import { murmur3 } from "../../../std/murmur3.ts";
import { asNumber, chain, createLanes, hashWords } from "../read/block-hash.ts";

const SEED_A = 0x51ed270b;
const SEED_B = 0x1b56c4e9;
const TWO_TO_32 = 0x1_0000_0000;

const block = createLanes();
const state = createLanes();

/** The name before the first block of a prompt. `adapter`: its name; empty: the base model. */
export function rootOf(adapter: string): number {
  state.fill(0);
  chain(state, murmur3(adapter, SEED_A), murmur3(adapter, SEED_B));
  return asNumber(state);
}

/** The block of tokens [start, end) after `parent`. `extra`: cache salt, pictures; empty: none. */
export function blockAfter(
  parent: number,
  tokens: Int32Array,
  start: number,
  end: number,
  extra: string,
): number {
  const words = tokens.subarray(start, end);
  hashWords(words, words.length, 4 * words.length, block);
  state[0] = parent | 0;
  state[1] = (parent - (parent >>> 0)) / TWO_TO_32;
  chain(state, block[0]!, block[1]!);
  if (extra !== "") chain(state, murmur3(extra, SEED_A), murmur3(extra, SEED_B));
  return asNumber(state);
}
