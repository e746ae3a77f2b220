/**
 * Permits: leave to be under way, recycled so that admission allocates nothing where nobody waits.
 *
 * Free permits wait in a queue of at least RESERVE, so that one given back by mistake a second time is almost surely still
 * closed and the mistake throws, as with the tickets of balance/tickets.ts.
 */
import type { ClassQueue } from "./class-queue.ts";
import type { Tenant } from "./tenants.ts";

const RESERVE = 64;

export class Permit<T> {
  queue: ClassQueue<T>;
  tenant: Tenant<T>;
  open = false;
  /** When it was granted. NaN at birth, so that the engine keeps the fields as doubles from the start. */
  grantedMs = Number.NaN;
  /** How long the request waited for it. */
  waitedMs = Number.NaN;
  /** What its class and tenant were charged. */
  expectedMs = Number.NaN;
  answered = false;
  next: Permit<T> | undefined = undefined;

  constructor(queue: ClassQueue<T>, tenant: Tenant<T>) {
    this.queue = queue;
    this.tenant = tenant;
  }
}

export class Permits<T> {
  #head: Permit<T> | undefined = undefined;
  #tail: Permit<T> | undefined = undefined;
  #free = 0;

  issue(queue: ClassQueue<T>, tenant: Tenant<T>): Permit<T> {
    const permit = this.#free > RESERVE ? this.#pop() : new Permit(queue, tenant);
    permit.queue = queue;
    permit.tenant = tenant;
    permit.open = true;
    permit.answered = false;
    return permit;
  }

  redeem(permit: Permit<T>): void {
    if (!permit.open) throw new Error("permit was given back before");
    permit.open = false;
    permit.next = undefined;
    if (this.#tail === undefined) this.#head = permit;
    else this.#tail.next = permit;
    this.#tail = permit;
    this.#free++;
  }

  #pop(): Permit<T> {
    const permit = this.#head!;
    this.#head = permit.next;
    if (this.#head === undefined) this.#tail = undefined;
    permit.next = undefined;
    this.#free--;
    return permit;
  }
}
