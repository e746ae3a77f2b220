/**
 * Fairness inside a class: start-time fair queueing (Goyal, Vin, Cheng 1996) over its tenants, each as important as the
 * other.
 *
 * A tenant's tag says how much service it has had, in milliseconds of slots held, on the class's virtual clock. Whoever
 * waits with the least tag is next. A start is charged what the class's requests usually hold; when the request ends,
 * the difference to what it did hold is put right: tenants share the time of the endpoints, not the number of requests. A
 * tenant that comes after a pause starts at the clock, so absence earns no credit.
 *
 * A tenant with nothing waiting and nothing under way is forgotten, so there are never more of them than requests.
 * O(log tenants) per start.
 *
 * Invariants: the heap holds exactly the tenants with somebody waiting; `place` is the tenant's index in it.
 */
export class Tenant<T> {
  readonly key: string;
  tagMs: number;
  underWay = 0;
  waiting = 0;
  /** Its waiting, oldest first. */
  first: Waiting<T> | undefined = undefined;
  last: Waiting<T> | undefined = undefined;
  place = -1;
  /** Between equal tags the one that came first goes first. */
  readonly order: number;

  constructor(key: string, tagMs: number, order: number) {
    this.key = key;
    this.tagMs = tagMs;
    this.order = order;
  }
}

/** What is threaded into a tenant's list. */
export interface Waiting<T> {
  tenant: Tenant<T>;
  tenantBefore: Waiting<T> | undefined;
  tenantAfter: Waiting<T> | undefined;
  readonly waiter: T;
}

export class Tenants<T> {
  readonly #byKey = new Map<string, Tenant<T>>();
  readonly #heap: Tenant<T>[] = [];
  #clockMs = 0;
  #order = 0;

  get size(): number {
    return this.#byKey.size;
  }

  peekOf(key: string): Tenant<T> | undefined {
    return this.#byKey.get(key);
  }

  of(key: string): Tenant<T> {
    let tenant = this.#byKey.get(key);
    if (tenant === undefined) {
      tenant = new Tenant(key, this.#clockMs, this.#order++);
      this.#byKey.set(key, tenant);
    }
    return tenant;
  }

  push(waiting: Waiting<T>): void {
    const { tenant } = waiting;
    tenant.waiting++;
    waiting.tenantBefore = tenant.last;
    if (tenant.last === undefined) tenant.first = waiting;
    else tenant.last.tenantAfter = waiting;
    tenant.last = waiting;
    if (tenant.place === -1) {
      if (tenant.underWay === 0) tenant.tagMs = Math.max(tenant.tagMs, this.#clockMs);
      tenant.place = this.#heap.length;
      this.#heap.push(tenant);
      this.#rise(tenant);
    }
  }

  /** Of the tenant whose turn it is, the oldest or the newest; it stays in the list until removed. */
  peek(newest: boolean): Waiting<T> | undefined {
    const tenant = this.#heap[0];
    return newest ? tenant?.last : tenant?.first;
  }

  remove(waiting: Waiting<T>): void {
    const { tenant, tenantBefore, tenantAfter } = waiting;
    tenant.waiting--;
    if (tenantBefore === undefined) tenant.first = tenantAfter;
    else tenantBefore.tenantAfter = tenantAfter;
    if (tenantAfter === undefined) tenant.last = tenantBefore;
    else tenantAfter.tenantBefore = tenantBefore;
    if (tenant.first === undefined) this.#takeOut(tenant);
    this.#forget(tenant);
  }

  /** One of its requests starts. Call before `remove`, lest the tenant be forgotten in between. */
  started(tenant: Tenant<T>, expectedMs: number): void {
    tenant.underWay++;
    const startMs = Math.max(tenant.tagMs, this.#clockMs);
    this.#clockMs = startMs;
    this.#retag(tenant, startMs + expectedMs);
  }

  /** One of its requests has ended, after this much more (or less) than was charged. */
  ended(tenant: Tenant<T>, differenceMs: number): void {
    tenant.underWay--;
    this.#retag(tenant, tenant.tagMs + differenceMs);
    this.#forget(tenant);
  }

  #forget(tenant: Tenant<T>): void {
    if (tenant.underWay === 0 && tenant.first === undefined) this.#byKey.delete(tenant.key);
  }

  #retag(tenant: Tenant<T>, tagMs: number): void {
    tenant.tagMs = tagMs;
    if (tenant.place === -1) return;
    this.#rise(tenant);
    this.#sink(tenant);
  }

  #takeOut(tenant: Tenant<T>): void {
    const last = this.#heap.pop()!;
    if (last !== tenant) {
      last.place = tenant.place;
      this.#heap[last.place] = last;
      this.#rise(last);
      this.#sink(last);
    }
    tenant.place = -1;
  }

  #rise(tenant: Tenant<T>): void {
    while (tenant.place > 0) {
      const parent = this.#heap[(tenant.place - 1) >> 1]!;
      if (!isBefore(tenant, parent)) return;
      this.#swap(tenant, parent);
    }
  }

  #sink(tenant: Tenant<T>): void {
    for (;;) {
      const left = this.#heap[2 * tenant.place + 1];
      const right = this.#heap[2 * tenant.place + 2];
      if (left === undefined) return;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(child, tenant)) return;
      this.#swap(child, tenant);
    }
  }

  #swap(a: Tenant<T>, b: Tenant<T>): void {
    const place = a.place;
    a.place = b.place;
    b.place = place;
    this.#heap[a.place] = a;
    this.#heap[b.place] = b;
  }
}

function isBefore<T>(a: Tenant<T>, b: Tenant<T>): boolean {
  return a.tagMs < b.tagMs || (a.tagMs === b.tagMs && a.order < b.order);
}
