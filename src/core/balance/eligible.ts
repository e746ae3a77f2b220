/**
 * Who may serve: the one place that answers it.
 *
 * 1. Tier: ready endpoints; if the pool has none, draining ones (as Kubernetes' own proxies do with endpoints
 *    that are serving while terminating).
 * 2. Health: the tier's well endpoints, neither failing their probes nor ejected for their answers; if fewer than
 *    half of the tier are well, all of them (Envoy's panic threshold of 50 %). When most probes fail the probes or the network are the likelier culprit, and
 *    squeezing all traffic into the few that pass would take those down too. So failing checks never stop traffic.
 * 3. Room: of those, endpoints below the limit on requests in flight.
 *
 * All of it among the endpoints of one lane (lanes.ts): the whole pool, or the part that a class of work may use.
 *
 * The answer is kept as a dense list with swap-remove, so samplers draw without rejection and a change of one
 * endpoint costs O(1). Only a change of tier or of panic costs O(n).
 *
 * Invariants: `slots[0..size)` holds each slot that passes 1-3 exactly once, in no meaningful order;
 * the listener has been told of each entry and each departure, once.
 */
import { DRAINING, READY, type Columns } from "../signals/columns.ts";

/** Below this well share of the tier, health is ignored. */
export const PANIC_RATIO = 0.5;

const ABSENT = -1;

export interface EligibleListener {
  entered(slot: number, nowMs: number): void;
  left(slot: number): void;
}

export class Eligible {
  readonly #columns: Columns;
  #listener: EligibleListener;
  /** By slot: 1 = of this lane. Undefined: everybody is. */
  #lane: Uint8Array | undefined = undefined;
  #limit = Number.POSITIVE_INFINITY;
  #slots = new Int32Array(0);
  /** Slot to index in #slots, or ABSENT. */
  #indexOf = new Int32Array(0);
  #size = 0;
  /** Every slot in use is below this. */
  #bound = 0;
  #tier = READY;
  #panic = false;
  /** Of the tier, whatever their room. */
  #present = 0;
  #well = 0;

  constructor(columns: Columns, listener: EligibleListener) {
    this.#columns = columns;
    this.#listener = listener;
  }

  get size(): number {
    return this.#size;
  }

  /** True while health is ignored. */
  get panic(): boolean {
    return this.#panic;
  }

  get bound(): number {
    return this.#bound;
  }

  /** Endpoints of the tier, whatever their health and room. */
  get present(): number {
    return this.#present;
  }

  /** Of those, the ones neither unhealthy nor ejected. */
  get well(): number {
    return this.#well;
  }

  at(index: number): number {
    return this.#slots[index]!;
  }

  has(slot: number): boolean {
    return this.#indexOf[slot] !== ABSENT;
  }

  /** Of the lane and the tier, and below the limit, whatever its health. */
  hasRoom(slot: number): boolean {
    return this.#inTier(slot) && this.#columns.inFlight[slot]! < this.#limit;
  }

  /** Whether the slot's endpoint belongs to the lane at all. */
  isOfLane(slot: number): boolean {
    return this.#lane === undefined || this.#lane[slot] === 1;
  }

  /** May serve, were there room: tier and health only. */
  maySlotServe(slot: number): boolean {
    return this.#inTier(slot) && (this.#panic || wellness(this.#columns, slot) === 1);
  }

  /** Whether some endpoint would serve if it had room: tells "all full" from "nobody there". */
  get anyMayServe(): boolean {
    return this.#panic ? this.#present > 0 : this.#well > 0;
  }

  /** Who is of the lane from now on; followed by `refreshAll`. */
  confine(lane: Uint8Array | undefined): void {
    this.#lane = lane;
  }

  /** Judges every slot anew: after a change of membership, limit, tier or panic. O(slots). */
  refreshAll(bound: number, limit: number, nowMs: number): void {
    this.#limit = limit;
    this.#bound = bound;
    this.#makeRoom();
    this.#count();
    for (let slot = 0; slot < bound; slot++) this.#place(slot, nowMs);
  }

  /** One endpoint's health or ejection was changed in the columns; `before`: its `wellness` until then. */
  wellnessChanged(slot: number, before: number, nowMs: number): void {
    if (!this.#inTier(slot)) return;
    this.#well += wellness(this.#columns, slot) - before;
    if (this.#panic !== inPanic(this.#well, this.#present)) this.refreshAll(this.#bound, this.#limit, nowMs);
    else this.#place(slot, nowMs);
  }

  /** The slot's in-flight count rose. */
  filled(slot: number): void {
    if (this.#columns.inFlight[slot]! >= this.#limit && this.has(slot)) this.#remove(slot);
  }

  /** The slot's in-flight count fell. */
  drained(slot: number, nowMs: number): void {
    if (!this.has(slot)) this.#place(slot, nowMs);
  }

  /**
   * Moves endpoints that were tried before behind the others and returns how many stand in front; if all were
   * tried, all count again. O(tried), and no order is lost, for there is none.
   */
  untried(tried: readonly number[]): number {
    let front = this.#size;
    for (let i = 0; i < tried.length; i++) {
      const index = this.#indexOf[tried[i]!] ?? ABSENT;
      if (index !== ABSENT && index < front) this.#swap(index, --front);
    }
    return front === 0 ? this.#size : front;
  }

  /** Hands over to another listener, which is told of all who are eligible now. */
  listen(listener: EligibleListener, nowMs: number): void {
    this.#listener = listener;
    for (let index = 0; index < this.#size; index++) listener.entered(this.#slots[index]!, nowMs);
  }

  #count(): void {
    const { state } = this.#columns;
    let ready = 0;
    let readyWell = 0;
    let draining = 0;
    let drainingWell = 0;
    for (let slot = 0; slot < this.#bound; slot++) {
      if (!this.isOfLane(slot)) continue;
      if (state[slot] === READY) {
        ready++;
        readyWell += wellness(this.#columns, slot);
      } else if (state[slot] === DRAINING) {
        draining++;
        drainingWell += wellness(this.#columns, slot);
      }
    }
    this.#tier = ready > 0 ? READY : DRAINING;
    this.#present = ready > 0 ? ready : draining;
    this.#well = ready > 0 ? readyWell : drainingWell;
    this.#panic = inPanic(this.#well, this.#present);
  }

  #inTier(slot: number): boolean {
    return this.#columns.state[slot] === this.#tier && this.isOfLane(slot);
  }

  #place(slot: number, nowMs: number): void {
    const belongs = this.maySlotServe(slot) && this.#columns.inFlight[slot]! < this.#limit;
    if (belongs === this.has(slot)) return;
    if (!belongs) {
      this.#remove(slot);
      return;
    }
    this.#slots[this.#size] = slot;
    this.#indexOf[slot] = this.#size++;
    this.#listener.entered(slot, nowMs);
  }

  #remove(slot: number): void {
    this.#swap(this.#indexOf[slot]!, --this.#size);
    this.#indexOf[slot] = ABSENT;
    this.#listener.left(slot);
  }

  #swap(index: number, other: number): void {
    const slot = this.#slots[index]!;
    const otherSlot = this.#slots[other]!;
    this.#slots[index] = otherSlot;
    this.#slots[other] = slot;
    this.#indexOf[otherSlot] = index;
    this.#indexOf[slot] = other;
  }

  #makeRoom(): void {
    const capacity = this.#columns.capacity;
    if (this.#slots.length >= capacity) return;
    const slots = new Int32Array(capacity);
    slots.set(this.#slots);
    const indexOf = new Int32Array(capacity).fill(ABSENT);
    indexOf.set(this.#indexOf);
    this.#slots = slots;
    this.#indexOf = indexOf;
  }
}

/** 1: neither failing its probes nor ejected; 0: one of them. */
export function wellness(columns: Columns, slot: number): number {
  return columns.ejected[slot] === 1 ? 0 : columns.healthy[slot]!;
}

function inPanic(well: number, present: number): boolean {
  return well < present * PANIC_RATIO;
}
