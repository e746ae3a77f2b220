/**
 * Maglev's table (Eisenbud et al., NSDI 2016, section 3.4): each member walks a permutation of the table of its own
 * and takes turns claiming the next free entry, so shares are equal to within one entry, and when a member leaves
 * few entries change hands among the others.
 *
 * Permutation: offset + j * skip modulo the size, a prime, with offset and skip from two hashes of the key. Weights as in
 * Envoy: a member sits out rounds until its share of them is due. Expected work O(size * log(size)).
 *
 * Invariant: after a build every entry holds a member.
 */
import type { Traits } from "../signals/traits.ts";
import type { HashTable } from "./hash-table.ts";
import { NONE } from "./two-choices.ts";

export class Maglev implements HashTable {
  readonly size: number;
  #table: Int32Array;
  /** The one being built; of length 0 while none is. */
  #next = new Int32Array(0);
  #slots: Int32Array = new Int32Array(0);
  #positions = new Int32Array(0);
  #skips = new Int32Array(0);
  /** Weight over largest weight, and how many turns are due so far. */
  #ratios = new Float64Array(0);
  #due = new Float64Array(0);
  #member = 0;
  #filled = 0;

  /** `size`: a prime, well above the number of members. */
  constructor(size: number) {
    this.size = size;
    this.#table = new Int32Array(size).fill(NONE);
  }

  begin(slots: Int32Array, traits: Traits): void {
    const n = slots.length;
    let max = 0;
    for (const slot of slots) max = Math.max(max, traits.weight[slot]!);
    this.#slots = slots;
    this.#next = new Int32Array(this.size).fill(NONE);
    this.#positions = new Int32Array(n);
    this.#skips = new Int32Array(n);
    this.#ratios = new Float64Array(n);
    this.#due = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const slot = slots[i]!;
      this.#positions[i] = (traits.identity[slot]! >>> 0) % this.size;
      this.#skips[i] = ((traits.identityTwo[slot]! >>> 0) % (this.size - 1)) + 1;
      this.#ratios[i] = traits.weight[slot]! / max;
    }
    this.#member = 0;
    this.#filled = n === 0 ? this.size : 0;
  }

  step(work: number): boolean {
    const next = this.#next;
    if (next.length === 0) return true;
    const slots = this.#slots;
    const due = this.#due;
    const end = Math.min(this.size, this.#filled + work);
    while (this.#filled < end) {
      const member = this.#member;
      this.#member = member + 1 === slots.length ? 0 : member + 1;
      due[member] = due[member]! + this.#ratios[member]!;
      if (due[member] < 1) continue;
      due[member] = due[member] - 1;
      next[this.#free(member)] = slots[member]!;
      this.#filled++;
    }
    if (this.#filled < this.size) return false;
    this.#table = next;
    this.#next = new Int32Array(0);
    return true;
  }

  lookup(hash: number): number {
    return this.#table[hash % this.size]!;
  }

  /** The member's next entry that nobody has claimed. */
  #free(member: number): number {
    const next = this.#next;
    const skip = this.#skips[member]!;
    let position = this.#positions[member]!;
    while (next[position] !== NONE) {
      position += skip;
      if (position >= this.size) position -= this.size;
    }
    this.#positions[member] = position;
    return position;
  }
}
