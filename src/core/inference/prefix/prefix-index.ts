/**
 * What each endpoint's prefix cache probably holds, as far as the router can know: who holds how much of a prompt.
 *
 * Learned from three sources. The router's own sends: an engine keeps what it has computed, least recently used out
 * first, so the index keeps per slot as many blocks as the engine has room for (`setCapacity`, in the index's blocks).
 * The engine's cache events, where it sends them. And the cached tokens an answer reports, which correct the capacity
 * (capacity-estimate.ts).
 *
 * A prompt's blocks are used from the last to the first, so that a block is always younger than those behind it and is
 * evicted after them, as engines free them. So what a slot holds is closed: with a block it holds all in front of it,
 * until an event removes a single one.
 *
 * Bounded: at most `blocksMax` (block, slot) pairs; above that the oldest of whoever holds most goes.
 * About 66 bytes per pair and 4 per 32 slots, reserved at once and used as it fills.
 */
import { grown } from "../../signals/grown.ts";
import { BlockHolders } from "./block-holders.ts";
import { Holdings } from "./holdings.ts";
import { NO_ID } from "./id-table.ts";
import { PrefixMatch } from "./prefix-match.ts";
import { ReuseOdds } from "./reuse-odds.ts";

/** As many evictions, or a sixteenth of what it holds, may pass before who holds most is looked up again. */
const LARGEST_LASTS = 256;

interface Hashes {
  readonly hashes: Float64Array;
  readonly count: number;
}

export class PrefixIndex {
  readonly #holders: BlockHolders;
  readonly #holdings: Holdings;
  readonly #match = new PrefixMatch();
  /** Per slot, in blocks. */
  #capacity = new Float64Array(16).fill(Number.POSITIVE_INFINITY);
  /** Bitset of slots that may have gaps. */
  #gaps = new Int32Array(1);
  #closedSet = new Int32Array(1);
  #gappedSet = new Int32Array(1);
  #largest = 0;
  #largestLasts = 0;
  /** Whether what lies idle is asked for again. */
  readonly odds = new ReuseOdds();
  /** Leading blocks held, by slot, as of the last `match`; of its candidates only. */
  depths: Int32Array = new Int32Array(16);

  constructor(blocksMax: number) {
    this.#holders = new BlockHolders(blocksMax);
    this.#holdings = new Holdings(blocksMax);
  }

  /** (block, slot) pairs held. */
  get size(): number {
    return this.#holdings.size;
  }

  /** Different blocks held by anyone. */
  get blocks(): number {
    return this.#holders.size;
  }

  held(slot: number): number {
    return this.#holdings.held(slot);
  }

  capacity(slot: number): number {
    return this.#capacity[slot]!;
  }

  /** The time of all that is told from now on. */
  at(nowMs: number): void {
    this.#holdings.nowMs = nowMs;
  }

  /** How long a block of the slot stays without being used: the age of its oldest, once it is full. Infinity: for ever. */
  keepsMs(slot: number): number {
    const oldest = this.#holdings.oldest(slot);
    if (oldest === NO_ID) return Number.POSITIVE_INFINITY;
    const capacity = this.#capacity[slot]!;
    if (capacity === Number.POSITIVE_INFINITY) return capacity;
    return (this.#holdings.idleMs(oldest) * capacity) / Math.min(capacity, this.#holdings.held(slot));
  }

  joined(slot: number): void {
    this.#holders.reserve(slot);
    this.#holdings.reserve(slot);
    const words = this.#holders.words;
    if (this.#gaps.length < words) {
      this.#gaps = grown(this.#gaps, words);
      this.#closedSet = new Int32Array(words);
      this.#gappedSet = new Int32Array(words);
      this.depths = grown(this.depths, words * 32);
    }
    if (this.depths.length < words * 32) this.depths = new Int32Array(words * 32);
    if (this.#capacity.length < words * 32) {
      this.#capacity = grown(this.#capacity, words * 32, Number.POSITIVE_INFINITY);
    }
    this.#capacity[slot] = Number.POSITIVE_INFINITY;
    this.cleared(slot);
  }

  left(slot: number): void {
    this.cleared(slot);
  }

  /** What does not fit any more is forgotten. */
  setCapacity(slot: number, blocks: number): void {
    this.#capacity[slot] = Math.max(0, blocks);
    while (this.#holdings.held(slot) > this.#capacity[slot]) this.#evict(slot);
  }

  /** Finds for each candidate how many leading blocks it holds: the answers are in `depths`. */
  match(prompt: Hashes, candidates: Int32Array, count: number): void {
    const closed = this.#closedSet;
    const gapped = this.#gappedSet;
    const gaps = this.#gaps;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      const word = slot >> 5;
      const bit = 1 << (slot & 31);
      if ((gaps[word]! & bit) === 0) closed[word] = closed[word]! | bit;
      else gapped[word] = gapped[word]! | bit;
    }
    this.#match.run(this.#holders, prompt.hashes, prompt.count, closed, gapped, this.depths);
    closed.fill(0);
    gapped.fill(0);
  }

  /** The same for one slot. */
  depthOf(slot: number, prompt: Hashes): number {
    const hasGaps = (this.#gaps[slot >> 5]! & (1 << (slot & 31))) !== 0;
    if (hasGaps) {
      let depth = 0;
      while (depth < prompt.count && this.#holds(slot, prompt.hashes[depth]!)) depth++;
      return depth;
    }
    let low = 0;
    let high = prompt.count;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#holds(slot, prompt.hashes[middle - 1]!)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Blocks the slot has taken in since it last used that one; -1: it does not hold it. */
  reuseDistance(slot: number, hash: number): number {
    const block = this.#holders.find(hash);
    if (block === NO_ID || !this.#holders.has(block, slot)) return -1;
    return this.#holdings.distance(this.#holdings.find(block, slot));
  }

  /** The slot is asked again for the first `depth` blocks, which it holds: before `used`. Returns the last one's reuse distance; -1: none. */
  hit(slot: number, prompt: Hashes, depth: number): number {
    if (depth === 0) return -1;
    const block = this.#holders.find(prompt.hashes[depth - 1]!);
    if (block === NO_ID) return -1;
    const node = this.#holdings.find(block, slot);
    this.odds.hit(this.#holdings.idleMs(node), depth);
    return this.#holdings.distance(node);
  }

  /** The slot computes, or reads again, the blocks from `from` up to `prompt.count`. */
  used(slot: number, prompt: Hashes, from = 0): void {
    for (let i = prompt.count - 1; i >= from; i--) this.#use(slot, prompt.hashes[i]!);
  }

  /** The engine says that it no longer holds these; or what `used` announced was never computed. */
  removed(slot: number, prompt: Hashes, from = 0): void {
    for (let i = prompt.count - 1; i >= from; i--) this.#remove(slot, prompt.hashes[i]!);
  }

  /** From now on single blocks may be missing in front of others. */
  mayHaveGaps(slot: number): void {
    this.#gaps[slot >> 5] = this.#gaps[slot >> 5]! | (1 << (slot & 31));
  }

  /** The slot holds nothing. */
  cleared(slot: number): void {
    for (let node = this.#holdings.oldest(slot); node !== NO_ID; node = this.#holdings.oldest(slot))
      this.#dropNode(node, slot);
    this.#gaps[slot >> 5] = this.#gaps[slot >> 5]! & ~(1 << (slot & 31));
  }

  #holds(slot: number, hash: number): boolean {
    const block = this.#holders.find(hash);
    return block !== NO_ID && this.#holders.has(block, slot);
  }

  #use(slot: number, hash: number): void {
    const block = this.#holders.find(hash);
    if (block !== NO_ID && this.#holders.has(block, slot)) {
      this.#holdings.refresh(this.#holdings.find(block, slot));
      return;
    }
    const capacity = this.#capacity[slot]!;
    if (capacity < 1) return;
    if (this.#holdings.held(slot) >= capacity) this.#evict(slot);
    if (this.#holdings.size >= this.#holdings.nodesMax) this.#evict(this.#whoHoldsMost());
    // Looked up anew if its last holder has just been evicted.
    const still = block === NO_ID ? NO_ID : this.#holders.find(hash);
    this.#holdings.add(this.#holders.hold(still, hash, slot), slot);
  }

  #remove(slot: number, hash: number): void {
    const block = this.#holders.find(hash);
    if (block === NO_ID || !this.#holders.has(block, slot)) return;
    const node = this.#holdings.find(block, slot);
    this.odds.evicted(this.#holdings.idleMs(node));
    this.#dropNode(node, slot);
  }

  #evict(slot: number): void {
    const node = this.#holdings.oldest(slot);
    if (node === NO_ID) return;
    this.odds.evicted(this.#holdings.idleMs(node));
    this.#dropNode(node, slot);
  }

  #dropNode(node: number, slot: number): void {
    this.#holders.drop(this.#holdings.blockAt(node), slot);
    this.#holdings.remove(node);
  }

  #whoHoldsMost(): number {
    if (this.#largestLasts-- <= 0 || this.#holdings.held(this.#largest) === 0) {
      this.#largest = this.#holdings.largest();
      this.#largestLasts = Math.min(LARGEST_LASTS, this.#holdings.held(this.#largest) >> 4);
    }
    return this.#largest;
  }
}
