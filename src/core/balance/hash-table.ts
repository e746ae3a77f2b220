/**
 * What the two hash tables (maglev.ts, ring.ts) have in common: built in steps beside the one in use, then swapped.
 *
 * A table is made from the pool's members, whether or not they may serve at the moment: an endpoint that is ill or full
 * loses its keys only for as long, and no other key moves. The order of members does not depend on
 * the gateway, so all gateways build the same table.
 */
import type { Traits } from "../signals/traits.ts";
import { mixed } from "../../std/murmur3.ts";

export interface HashTable {
  /** Starts a build for these slots, forgetting an unfinished one. */
  begin(slots: Int32Array, traits: Traits): void;
  /** Goes on with it for about `work` entries. True: the new table is in use, or nothing is being built. */
  step(work: number): boolean;
  /** The slot a hash in [0, 2^31) belongs to; NONE while the table is empty. */
  lookup(hash: number): number;
  /** Entries, of which each member has its share. */
  readonly size: number;
}

/** Members in the order all gateways agree on. */
export function inTableOrder(slots: readonly number[], traits: Traits): Int32Array {
  const { identity, identityTwo } = traits;
  return Int32Array.from(slots).toSorted(
    (a, b) => identity[a]! - identity[b]! || identityTwo[a]! - identityTwo[b]!,
  );
}

/** Says whether two memberships, weights included, are the same; in any order, O(n). Whole, below 2^53. */
export function fingerprint(slots: readonly number[], traits: Traits): number {
  let sum = slots.length;
  for (const slot of slots) {
    const weight = Math.round(traits.weight[slot]! * 1024) | 0;
    sum += mixed(traits.identity[slot]! ^ mixed(slot ^ (weight << 12))) >>> 0;
  }
  return sum;
}
