/**
 * The requests of one class that wait for their turn at one pool, and what the class has under way there.
 *
 * Order: fair between tenants (tenants.ts), oldest first within one.
 *
 * Overload begins when the queue has not once been empty for as long as a request may wait, and ends when for as long nobody
 * has waited a twentieth of it (ending it with the first empty moment would bring the long waits back again and again). In it, a
 * `newest-first` class turns the order within a tenant round and lets nobody wait longer than that twentieth. A queue that does not
 * drain adds its length to every answer and serves only people who have left already; the newest request is the likeliest
 * to be still wanted. Rule and ratio (100 ms and 5 ms) are Facebook's: Maurer, "Fail at Scale", ACM Queue 2015, after
 * CoDel (Nichols and Jacobson 2012). An `in-order` class keeps its order and its patience: a standing queue is
 * what batch work lives on.
 *
 * Bounded by `maxLength`. Times in ms. Invariants: the list by age and the tenants' lists hold the same requests;
 * `size` counts them.
 */
import type { QueuePolicy } from "../../model/workload.ts";
import { Tenants, type Tenant, type Waiting } from "./tenants.ts";

export interface ClassPolicy {
  readonly name: string;
  readonly priority: number;
  readonly weight: number;
  readonly maxConcurrencyRatio: number;
  readonly queue: QueuePolicy;
  readonly sheddingOrder: number;
}

const IMPATIENT_RATIO = 1 / 20;

/** What requests of the class hold a slot for before any has ended. Any value: it is put right as they end. */
const HOLD_FIRST_MS = 100;
/** The mean follows the last thirty or so. */
const HOLD_SHARE = 1 / 32;

/** A request that waits. The caller keeps it to cancel with, and finds its own context in `waiter`. */
export class WaitTicket<T> implements Waiting<T> {
  readonly waiter: T;
  /** Another after a reload that took its class away. */
  queue: ClassQueue<T>;
  tenant: Tenant<T>;
  readonly sinceMs: number;
  /** Its patience is counted from here: since it came, or since it came to this class. */
  patientSinceMs: number;
  /** It was granted, refused or cancelled. */
  over = false;
  tenantBefore: Waiting<T> | undefined = undefined;
  tenantAfter: Waiting<T> | undefined = undefined;
  ageBefore: WaitTicket<T> | undefined = undefined;
  ageAfter: WaitTicket<T> | undefined = undefined;

  constructor(waiter: T, queue: ClassQueue<T>, tenant: Tenant<T>, sinceMs: number) {
    this.waiter = waiter;
    this.queue = queue;
    this.tenant = tenant;
    this.sinceMs = sinceMs;
    this.patientSinceMs = sinceMs;
  }
}

export class ClassQueue<T> {
  policy: ClassPolicy;
  readonly tenants = new Tenants<T>();
  /** A reload has taken the class away; requests of it may still be under way. */
  gone = false;
  /** Requests with a permit. */
  underWay = 0;
  /** Service had, in ms of slots per weight, on the clock of its priority: see fair-turn.ts. */
  tagMs = 0;
  /** What a request usually holds its slot for. */
  holdMs = HOLD_FIRST_MS;
  #size = 0;
  #oldest: WaitTicket<T> | undefined = undefined;
  #newest: WaitTicket<T> | undefined = undefined;
  /** Since when it has not been empty; meaningless while it is. */
  #busySinceMs = 0;
  #overloadedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(policy: ClassPolicy) {
    this.policy = policy;
  }

  get size(): number {
    return this.#size;
  }

  get oldest(): WaitTicket<T> | undefined {
    return this.#oldest;
  }

  get newest(): WaitTicket<T> | undefined {
    return this.#newest;
  }

  push(waiter: T, tenantKey: string, nowMs: number): WaitTicket<T> {
    const ticket = new WaitTicket(waiter, this, this.tenants.of(tenantKey), nowMs);
    this.#append(ticket, nowMs);
    return ticket;
  }

  /** One who waits in another class waits on in this one, as the last to come. */
  takeOver(ticket: WaitTicket<T>, nowMs: number): void {
    ticket.queue.#takeOut(ticket);
    ticket.queue = this;
    ticket.tenant = this.tenants.of(ticket.tenant.key);
    ticket.patientSinceMs = nowMs;
    ticket.tenantBefore = ticket.tenantAfter = undefined;
    ticket.ageBefore = ticket.ageAfter = undefined;
    this.#append(ticket, nowMs);
  }

  #append(ticket: WaitTicket<T>, nowMs: number): void {
    if (this.#size === 0) this.#busySinceMs = nowMs;
    this.#size++;
    ticket.ageBefore = this.#newest;
    if (this.#newest === undefined) this.#oldest = ticket;
    else this.#newest.ageAfter = ticket;
    this.#newest = ticket;
    this.tenants.push(ticket);
  }

  /** Whose turn it is. */
  peek(nowMs: number): WaitTicket<T> | undefined {
    return this.tenants.peek(this.#isOverloaded(nowMs)) as WaitTicket<T> | undefined;
  }

  remove(ticket: WaitTicket<T>, nowMs: number): void {
    const { maxWaitMs } = this.policy.queue;
    const waitedMs = nowMs - ticket.patientSinceMs;
    if (waitedMs >= maxWaitMs * IMPATIENT_RATIO && this.#isOverloaded(nowMs)) {
      this.#overloadedUntilMs = nowMs + maxWaitMs;
    }
    ticket.over = true;
    this.#takeOut(ticket);
  }

  #takeOut(ticket: WaitTicket<T>): void {
    this.#size--;
    const { ageBefore, ageAfter } = ticket;
    if (ageBefore === undefined) this.#oldest = ageAfter;
    else ageBefore.ageAfter = ageAfter;
    if (ageAfter === undefined) this.#newest = ageBefore;
    else ageAfter.ageBefore = ageBefore;
    this.tenants.remove(ticket);
  }

  /** The oldest, if it has waited longer than it may. */
  expired(nowMs: number): WaitTicket<T> | undefined {
    const ticket = this.#oldest;
    return ticket !== undefined && nowMs - ticket.patientSinceMs >= this.patienceMs(nowMs)
      ? ticket
      : undefined;
  }

  /** How long a request may wait now. */
  patienceMs(nowMs: number): number {
    const { maxWaitMs } = this.policy.queue;
    return this.#isOverloaded(nowMs) ? maxWaitMs * IMPATIENT_RATIO : maxWaitMs;
  }

  /** A request that was charged `expectedMs` has ended after `heldMs`. */
  learnHold(heldMs: number): void {
    this.holdMs += (heldMs - this.holdMs) * HOLD_SHARE;
  }

  #isOverloaded(nowMs: number): boolean {
    const { overload, maxWaitMs } = this.policy.queue;
    if (overload === "in-order") return false;
    return nowMs < this.#overloadedUntilMs || (this.#size > 0 && nowMs - this.#busySinceMs >= maxWaitMs);
  }
}
