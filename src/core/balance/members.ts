/**
 * Membership: which endpoint lives in which slot, and what becomes of one that leaves.
 *
 * An endpoint is known by its key. Taking over a new list keeps the slot, and with it history, claims and health,
 * of every key that was there before. A key that is gone keeps its slot as LEAVING until its last request ends;
 * if it comes back before that, it simply stays.
 *
 * Invariant: `endpointAt(slot).key` maps to `slot` for every slot that is not FREE, and for no other.
 */
import type { Endpoint } from "../../model/endpoint.ts";
import { DRAINING, FREE, LEAVING, READY, type Columns } from "../signals/columns.ts";
import { Slots } from "../signals/slots.ts";
import { compareWeights, writeTraits } from "../signals/traits.ts";

export class Members {
  readonly #columns: Columns;
  readonly #slots: Slots;
  readonly #slotOf = new Map<string, number>();
  /** By slot; a free slot's entry is stale. */
  readonly #endpoints: Endpoint[] = [];

  constructor(columns: Columns) {
    this.#columns = columns;
    this.#slots = new Slots(columns);
  }

  /** Every slot in use is below this. */
  get bound(): number {
    return this.#slots.bound;
  }

  slotOf(key: string): number | undefined {
    return this.#slotOf.get(key);
  }

  endpointAt(slot: number): Endpoint {
    return this.#endpoints[slot]!;
  }

  /** Makes the list the membership. Slices may repeat a key while it moves between them: ready wins. */
  adopt(endpoints: readonly Endpoint[], nowMs: number): void {
    const columns = this.#columns;
    for (let slot = 0; slot < this.bound; slot++)
      if (columns.state[slot] !== FREE) columns.state[slot] = LEAVING;
    for (const endpoint of endpoints) this.#join(endpoint, nowMs);
    compareWeights(columns.traits, [...this.#slotOf.values()]);
  }

  /** Frees the slots of those that left and have nothing in flight, and answers which. */
  releaseLeavers(): readonly number[] {
    const released: number[] = [];
    // Letting go of the last slots lowers the bound.
    for (let slot = this.bound - 1; slot >= 0; slot--) if (this.mayRelease(slot)) released.push(slot);
    for (const slot of released) this.release(slot);
    return released;
  }

  mayRelease(slot: number): boolean {
    return this.#columns.state[slot] === LEAVING && this.#columns.inFlight[slot] === 0;
  }

  release(slot: number): void {
    this.#slotOf.delete(this.#endpoints[slot]!.key);
    this.#slots.release(slot);
  }

  #join(endpoint: Endpoint, nowMs: number): void {
    const state = endpoint.condition === "ready" ? READY : DRAINING;
    const slot = this.#slotOf.get(endpoint.key);
    if (slot === undefined) {
      const taken = this.#slots.take(state, nowMs);
      this.#slotOf.set(endpoint.key, taken);
      this.#endpoints[taken] = endpoint;
      writeTraits(this.#columns.traits, taken, endpoint);
      return;
    }
    if (this.#columns.state[slot] === READY) return;
    this.#columns.state[slot] = state;
    this.#endpoints[slot] = endpoint;
    writeTraits(this.#columns.traits, slot, endpoint);
  }
}
