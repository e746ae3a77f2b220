/**
 * Block hash to the set of slots that hold the block, as a bitset of 32-bit words.
 *
 * A block that nobody holds has no entry. Hashes are integers in [1, 2^53), well mixed by whoever made them and mixed
 * once more here, so that consecutive numbers do as well. Memory: 28 bytes per block and 4 per 32 slots, allocated for
 * `blocksMax` at once.
 */
import { IdTable, NO_ID } from "./id-table.ts";

const TWO_TO_MINUS_32 = 1 / 4_294_967_296;

export class BlockHolders {
  readonly #table: IdTable;
  readonly #hashes: Float64Array;
  readonly #holders: Int32Array;
  /** Of free ids: the next free one plus one. */
  readonly #nextFree: Int32Array;
  #free = 0;
  #fresh = 0;
  #bits: Int32Array;
  #wordsPerBlock = 1;
  /** Blocks with an entry. */
  size = 0;

  constructor(blocksMax: number) {
    this.#table = new IdTable(blocksMax);
    this.#hashes = new Float64Array(blocksMax);
    this.#holders = new Int32Array(blocksMax);
    this.#nextFree = new Int32Array(blocksMax);
    this.#bits = new Int32Array(blocksMax);
  }

  /** Words in one bitset. */
  get words(): number {
    return this.#wordsPerBlock;
  }

  /** The bitsets, `words` for each id one after the other. Replaced when slots are added. */
  get bits(): Int32Array {
    return this.#bits;
  }

  /** Makes room for the slot. O(blocksMax) each time their number doubles. */
  reserve(slot: number): void {
    const before = this.#wordsPerBlock;
    let words = before;
    while (slot >= words * 32) words *= 2;
    if (words === before) return;
    const bits = new Int32Array(this.#hashes.length * words);
    for (let id = 0; id < this.#fresh; id++)
      for (let w = 0; w < before; w++) bits[id * words + w] = this.#bits[id * before + w]!;
    this.#bits = bits;
    this.#wordsPerBlock = words;
  }

  /** NO_ID: nobody holds it. */
  find(hash: number): number {
    const { places, mask } = this.#table;
    const hashes = this.#hashes;
    let place = mixedHash(hash) & mask;
    for (;;) {
      const id = places[place]! - 1;
      if (id === NO_ID || hashes[id] === hash) return id;
      place = (place + 1) & mask;
    }
  }

  has(id: number, slot: number): boolean {
    return (this.#bits[id * this.#wordsPerBlock + (slot >> 5)]! & (1 << (slot & 31))) !== 0;
  }

  hashAt(id: number): number {
    return this.#hashes[id]!;
  }

  /** Adds a holder that the block does not have; `id` as found, or NO_ID. Answers the block's id. */
  hold(id: number, hash: number, slot: number): number {
    const entry = id === NO_ID ? this.#create(hash) : id;
    const word = entry * this.#wordsPerBlock + (slot >> 5);
    this.#bits[word] = this.#bits[word]! | (1 << (slot & 31));
    this.#holders[entry] = this.#holders[entry]! + 1;
    return entry;
  }

  /** Takes away a holder that the block has; with the last one goes the block. */
  drop(id: number, slot: number): void {
    const word = id * this.#wordsPerBlock + (slot >> 5);
    this.#bits[word] = this.#bits[word]! & ~(1 << (slot & 31));
    this.#holders[id] = this.#holders[id]! - 1;
    if (this.#holders[id] !== 0) return;
    this.#table.remove(id);
    this.#nextFree[id] = this.#free;
    this.#free = id + 1;
    this.size--;
  }

  #create(hash: number): number {
    let id = this.#free - 1;
    if (id === NO_ID) id = this.#fresh++;
    else this.#free = this.#nextFree[id]!;
    this.#hashes[id] = hash;
    this.#holders[id] = 0;
    this.#table.add(id, mixedHash(hash));
    this.size++;
    return id;
  }
}

function mixedHash(hash: number): number {
  const high = (hash * TWO_TO_MINUS_32) | 0;
  const word = Math.imul((hash | 0) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  return word ^ (word >>> 15);
}
