/**
 * A set of slots as a dense list with swap-remove and a back-pointer: add, remove and membership in O(1), no holes.
 *
 * Invariant: `slots[0..size)` holds each member once; `indexOf` of a member is its place, of any other slot ABSENT.
 */
import type { Candidates } from "./candidates.ts";

const ABSENT = -1;
const FIRST_CAPACITY = 16;

export class SlotSet implements Candidates {
  #slots = new Int32Array(FIRST_CAPACITY);
  #indexOf = new Int32Array(FIRST_CAPACITY).fill(ABSENT);
  #size = 0;

  /** The same members in the same order. */
  static of(candidates: Candidates): SlotSet {
    const set = new SlotSet();
    for (let index = 0; index < candidates.size; index++) set.add(candidates.at(index));
    return set;
  }

  get size(): number {
    return this.#size;
  }

  at(index: number): number {
    return this.#slots[index]!;
  }

  has(slot: number): boolean {
    return slot < this.#indexOf.length && this.#indexOf[slot] !== ABSENT;
  }

  /** No effect on a member. */
  add(slot: number): void {
    if (this.has(slot)) return;
    this.#makeRoom(slot);
    this.#slots[this.#size] = slot;
    this.#indexOf[slot] = this.#size++;
  }

  /** No effect on a stranger. */
  remove(slot: number): void {
    if (!this.has(slot)) return;
    this.#swap(this.#indexOf[slot]!, --this.#size);
    this.#indexOf[slot] = ABSENT;
  }

  untried(tried: readonly number[]): number {
    let front = this.#size;
    for (let i = 0; i < tried.length; i++) {
      const slot = tried[i]!;
      if (!this.has(slot)) continue;
      const index = this.#indexOf[slot]!;
      if (index < front) this.#swap(index, --front);
    }
    return front === 0 ? this.#size : front;
  }

  /** Whether there is a member that is not among `slots`. */
  hasBeside(slots: readonly number[]): boolean {
    let among = 0;
    for (let i = 0; i < slots.length; i++) {
      if (this.has(slots[i]!) && slots.indexOf(slots[i]!) === i) among++;
    }
    return this.#size > among;
  }

  #swap(index: number, other: number): void {
    const slot = this.#slots[index]!;
    const otherSlot = this.#slots[other]!;
    this.#slots[index] = otherSlot;
    this.#slots[other] = slot;
    this.#indexOf[otherSlot] = index;
    this.#indexOf[slot] = other;
  }

  #makeRoom(slot: number): void {
    const before = this.#indexOf.length;
    if (slot < before) return;
    let capacity = before;
    while (capacity <= slot) capacity *= 2;
    const slots = new Int32Array(capacity);
    slots.set(this.#slots);
    const indexOf = new Int32Array(capacity).fill(ABSENT);
    indexOf.set(this.#indexOf);
    this.#slots = slots;
    this.#indexOf = indexOf;
  }
}
