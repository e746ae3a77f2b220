/**
 * How many leading blocks of a prompt each of many slots holds, in one walk for all of them.
 *
 * Block `i` stands for the whole prompt up to it. Where a slot that holds a block holds all before it ("closed"), the
 * slots are halved by bisection: those that hold the middle block go on behind it, the others in front of it. That takes
 * about (different depths) * log2(blocks) look-ups, however many slots there are. Slots whose engine has told of single
 * removals may have gaps ("gapped") and are walked block by block until none of them is left.
 */
import type { BlockHolders } from "./block-holders.ts";
import { NO_ID } from "./id-table.ts";

/** Pending halves: one per level of the bisection and one more; prompts have below 2^31 blocks. */
const FRAMES_MAX = 34;

export class PrefixMatch {
  /** Per frame: the set's words. */
  #sets = new Int32Array(0);
  readonly #low = new Int32Array(FRAMES_MAX);
  readonly #high = new Int32Array(FRAMES_MAX);

  /**
   * Writes the depth to `depths[slot]` for every slot in `closed` and `gapped`, bitsets of `holders.words` words,
   * both of which it uses up. Others are left alone.
   */
  run(
    holders: BlockHolders,
    hashes: Float64Array,
    count: number,
    closed: Int32Array,
    gapped: Int32Array,
    depths: Int32Array,
  ): void {
    const words = holders.words;
    if (this.#sets.length < FRAMES_MAX * words) this.#sets = new Int32Array(FRAMES_MAX * words);
    if (!isEmpty(gapped, 0, words)) walk(holders, hashes, count, gapped, depths);
    if (!isEmpty(closed, 0, words)) this.#bisect(holders, hashes, count, closed, depths);
  }

  #bisect(
    holders: BlockHolders,
    hashes: Float64Array,
    count: number,
    closed: Int32Array,
    depths: Int32Array,
  ): void {
    const words = holders.words;
    const { bits } = holders;
    const sets = this.#sets;
    const low = this.#low;
    const high = this.#high;
    for (let w = 0; w < words; w++) sets[w] = closed[w]!;
    low[0] = 0;
    high[0] = count;
    let top = 0;
    // The first look-up is at the first block: most slots hold nothing of most prompts.
    let first = true;
    while (top >= 0) {
      const from = top * words;
      const lowest = low[top]!;
      const highest = high[top]!;
      if (lowest === highest) {
        write(sets, from, words, depths, lowest);
        top--;
        continue;
      }
      const middle = first ? 1 : (lowest + highest + 1) >> 1;
      first = false;
      const id = holders.find(hashes[middle - 1]!);
      let deeper = 0;
      let shallower = 0;
      for (let w = 0; w < words; w++) {
        const set = sets[from + w]!;
        const has = id === NO_ID ? 0 : set & bits[id * words + w]!;
        sets[from + words + w] = has;
        sets[from + w] = set & ~has;
        deeper |= has;
        shallower |= set & ~has;
      }
      if (deeper !== 0 && shallower !== 0) {
        high[top] = middle - 1;
        top++;
        low[top] = middle;
        high[top] = highest;
      } else if (deeper === 0) {
        high[top] = middle - 1;
      } else {
        for (let w = 0; w < words; w++) sets[from + w] = sets[from + words + w]!;
        low[top] = middle;
      }
    }
  }
}

/** Block by block: whoever lacks one has ended there. */
function walk(
  holders: BlockHolders,
  hashes: Float64Array,
  count: number,
  alive: Int32Array,
  depths: Int32Array,
): void {
  const words = holders.words;
  const { bits } = holders;
  for (let i = 0; i < count; i++) {
    const id = holders.find(hashes[i]!);
    let left = 0;
    for (let w = 0; w < words; w++) {
      const set = alive[w]!;
      const has = id === NO_ID ? 0 : set & bits[id * words + w]!;
      if (has !== set) writeWord(set & ~has, w, depths, i);
      alive[w] = has;
      left |= has;
    }
    if (left === 0) return;
  }
  write(alive, 0, words, depths, count);
}

function write(sets: Int32Array, from: number, words: number, depths: Int32Array, depth: number): void {
  for (let w = 0; w < words; w++) writeWord(sets[from + w]!, w, depths, depth);
}

function writeWord(set: number, w: number, depths: Int32Array, depth: number): void {
  let rest = set;
  while (rest !== 0) {
    const bit = 31 - Math.clz32(rest & -rest);
    depths[w * 32 + bit] = depth;
    rest &= rest - 1;
  }
}

function isEmpty(set: Int32Array, from: number, words: number): boolean {
  for (let w = 0; w < words; w++) if (set[from + w] !== 0) return false;
  return true;
}
