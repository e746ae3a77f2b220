/**
 * A ring of points, after Karger et al. (1997) and ketama: each member stands on it at many places, and a hash belongs to
 * the next point at or after it. A member that leaves gives its keys to its successors; no other key moves.
 *
 * Points per member: POINTS_PER_MEMBER (nginx's number; shares then differ by 1 / sqrt(160) = 8 %), more where the
 * ring would be below its least size, fewer above its largest; each has at least one. A lookup is a binary search,
 * helped by an index of the points' leading bits: one or two comparisons.
 *
 * The points are hashed in steps; the last one sorts them, which takes some 20 ms at the default maximum.
 *
 * Invariant: positions are sorted and in [0, 2^31).
 */
import { mixed } from "../../std/murmur3.ts";
import type { Traits } from "../signals/traits.ts";
import type { HashTable } from "./hash-table.ts";
import { NONE } from "./two-choices.ts";

const POINTS_PER_MEMBER = 160;

/** A point and its member's index in one exact number: 31 bits and 20 bits. */
const MEMBERS_MAX = 2 ** 20;

export class Ring implements HashTable {
  readonly #sizeMin: number;
  readonly #sizeMax: number;
  #positions = new Int32Array(0);
  #owners = new Int32Array(0);
  #index = new Int32Array(2);
  /** 31 - log2 of the index's length. */
  #shift = 31;
  #slots: Int32Array = new Int32Array(0);
  #traits: Traits | undefined = undefined;
  #points = new Float64Array(0);
  /** Points of each member, running total. */
  #ends = new Int32Array(0);
  #made = 0;
  #member = 0;

  constructor(sizeMin: number, sizeMax: number) {
    this.#sizeMin = sizeMin;
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#positions.length;
  }

  begin(slots: Int32Array, traits: Traits): void {
    const n = Math.min(slots.length, MEMBERS_MAX);
    const wanted = Math.min(this.#sizeMax, Math.max(this.#sizeMin, n * POINTS_PER_MEMBER));
    let weights = 0;
    for (let i = 0; i < n; i++) weights += traits.weight[slots[i]!]!;
    this.#ends = new Int32Array(n);
    let total = 0;
    for (let i = 0; i < n; i++) {
      total += Math.max(1, Math.round((wanted * traits.weight[slots[i]!]!) / weights));
      this.#ends[i] = total;
    }
    this.#slots = slots;
    this.#traits = traits;
    this.#points = new Float64Array(total);
    this.#made = 0;
    this.#member = 0;
  }

  step(work: number): boolean {
    const traits = this.#traits;
    if (traits === undefined) return true;
    const end = Math.min(this.#points.length, this.#made + work);
    while (this.#made < end) {
      if (this.#made === this.#ends[this.#member]) this.#member++;
      const slot = this.#slots[this.#member]!;
      const point = this.#made - (this.#ends[this.#member - 1] ?? 0);
      const position = mixed(traits.identity[slot]! ^ mixed(traits.identityTwo[slot]! + point)) >>> 1;
      this.#points[this.#made++] = position * MEMBERS_MAX + this.#member;
    }
    if (this.#made < this.#points.length) return false;
    this.#finish();
    return true;
  }

  lookup(hash: number): number {
    const positions = this.#positions;
    const size = positions.length;
    if (size === 0) return NONE;
    const bucket = hash >> this.#shift;
    let low = this.#index[bucket]!;
    let high = this.#index[bucket + 1]!;
    // The first point at or after the hash.
    while (low < high) {
      const middle = (low + high) >> 1;
      if (positions[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return this.#owners[low === size ? 0 : low]!;
  }

  #finish(): void {
    const points = this.#points.toSorted();
    const size = points.length;
    const positions = new Int32Array(size);
    const owners = new Int32Array(size);
    for (let i = 0; i < size; i++) {
      const position = Math.floor(points[i]! / MEMBERS_MAX);
      positions[i] = position;
      owners[i] = this.#slots[points[i]! - position * MEMBERS_MAX]!;
    }
    this.#positions = positions;
    this.#owners = owners;
    this.#makeIndex();
    this.#traits = undefined;
    this.#points = new Float64Array(0);
  }

  /** `index[b]`: the first point whose leading bits are at least b. */
  #makeIndex(): void {
    const positions = this.#positions;
    const bits = Math.max(0, Math.floor(Math.log2(Math.max(1, positions.length))));
    this.#shift = 31 - bits;
    const index = new Int32Array(2 ** bits + 1).fill(positions.length);
    for (let at = positions.length - 1; at >= 0; at--) index[positions[at]! >> this.#shift] = at;
    for (let bucket = 2 ** bits - 1; bucket >= 0; bucket--) {
      index[bucket] = Math.min(index[bucket]!, index[bucket + 1]!);
    }
    this.#index = index;
  }
}
