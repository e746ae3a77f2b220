/**
 * Which blocks each slot holds, in the order of their last use: the mirror of the engines' own caches.
 *
 * One node per (block, slot), found through a table and linked into the slot's list from the most to the least recently
 * used. A node remembers how many blocks its slot had taken in when it was last used: the difference to now is
 * how much came in between, which is what decides whether an engine still has it.
 *
 * Memory: 38 bytes per node and 24 per slot, for `nodesMax` nodes at once. Invariant: a slot's list and `held`
 * agree; the sum of `held` is `size`, at most `nodesMax`.
 */
import { grown } from "../../signals/grown.ts";
import { IdTable, NO_ID } from "./id-table.ts";

export class Holdings {
  readonly #table: IdTable;
  readonly #block: Int32Array;
  readonly #slot: Uint16Array;
  readonly #stamp: Uint32Array;
  /** When it was last used, in ms modulo 2^32. */
  readonly #usedMs: Uint32Array;
  /** Links hold the id plus one; 0: none. Free nodes are linked by `#older`. */
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  #free = 0;
  #fresh = 0;
  #newest = new Int32Array(16);
  #oldest = new Int32Array(16);
  #held = new Int32Array(16);
  /** Blocks taken in, modulo 2^32. */
  #taken = new Uint32Array(16);
  readonly nodesMax: number;
  size = 0;
  /** The time of what is told now. */
  nowMs = 0;

  constructor(nodesMax: number) {
    this.nodesMax = nodesMax;
    this.#table = new IdTable(nodesMax);
    this.#block = new Int32Array(nodesMax);
    this.#slot = new Uint16Array(nodesMax);
    this.#stamp = new Uint32Array(nodesMax);
    this.#usedMs = new Uint32Array(nodesMax);
    this.#older = new Int32Array(nodesMax);
    this.#newer = new Int32Array(nodesMax);
  }

  reserve(slot: number): void {
    let length = this.#held.length;
    if (slot < length) return;
    while (slot >= length) length *= 2;
    this.#newest = grown(this.#newest, length);
    this.#oldest = grown(this.#oldest, length);
    this.#held = grown(this.#held, length);
    this.#taken = grown(this.#taken, length);
  }

  held(slot: number): number {
    return this.#held[slot]!;
  }

  blockAt(node: number): number {
    return this.#block[node]!;
  }

  /** The slot's least recently used node, or NO_ID. */
  oldest(slot: number): number {
    return this.#oldest[slot]! - 1;
  }

  /** Who holds most. O(slots). */
  largest(): number {
    let largest = 0;
    for (let slot = 1; slot < this.#held.length; slot++)
      if (this.#held[slot]! > this.#held[largest]!) largest = slot;
    return largest;
  }

  /** Blocks that the slot has taken in since the node was last used. */
  distance(node: number): number {
    return (this.#taken[this.#slot[node]!]! - this.#stamp[node]!) >>> 0;
  }

  /** How long the node has not been used. */
  idleMs(node: number): number {
    return (this.nowMs - this.#usedMs[node]!) >>> 0;
  }

  find(block: number, slot: number): number {
    const { places, mask } = this.#table;
    let place = homeOf(block, slot) & mask;
    for (;;) {
      const node = places[place]! - 1;
      if (node === NO_ID || (this.#block[node] === block && this.#slot[node] === slot)) return node;
      place = (place + 1) & mask;
    }
  }

  /** A node that is not there yet, as the most recently used; there must be room. */
  add(block: number, slot: number): void {
    let node = this.#free - 1;
    if (node === NO_ID) node = this.#fresh++;
    else this.#free = this.#older[node]!;
    this.#block[node] = block;
    this.#slot[node] = slot;
    this.#taken[slot] = this.#taken[slot]! + 1;
    this.#stamp[node] = this.#taken[slot]!;
    this.#usedMs[node] = this.nowMs;
    this.#table.add(node, homeOf(block, slot));
    this.#link(node, slot);
    this.#held[slot] = this.#held[slot]! + 1;
    this.size++;
  }

  /** Used again: the most recently used from now on. */
  refresh(node: number): void {
    const slot = this.#slot[node]!;
    this.#stamp[node] = this.#taken[slot]!;
    this.#usedMs[node] = this.nowMs;
    if (this.#newest[slot] === node + 1) return;
    this.#unlink(node, slot);
    this.#link(node, slot);
  }

  remove(node: number): void {
    const slot = this.#slot[node]!;
    this.#table.remove(node);
    this.#unlink(node, slot);
    this.#older[node] = this.#free;
    this.#free = node + 1;
    this.#held[slot] = this.#held[slot]! - 1;
    this.size--;
  }

  #link(node: number, slot: number): void {
    const before = this.#newest[slot]!;
    this.#older[node] = before;
    this.#newer[node] = 0;
    if (before === 0) this.#oldest[slot] = node + 1;
    else this.#newer[before - 1] = node + 1;
    this.#newest[slot] = node + 1;
  }

  #unlink(node: number, slot: number): void {
    const older = this.#older[node]!;
    const newer = this.#newer[node]!;
    if (older === 0) this.#oldest[slot] = newer;
    else this.#newer[older - 1] = newer;
    if (newer === 0) this.#newest[slot] = older;
    else this.#older[newer - 1] = older;
  }
}

function homeOf(block: number, slot: number): number {
  const word = Math.imul(block ^ Math.imul(slot + 1, 0x85ebca6b), 0x9e3779b1);
  return word ^ (word >>> 15);
}
