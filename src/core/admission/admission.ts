/**
 * Admission to one pool: which requests may be under way at a time, who waits, who is turned away, and when to ask again.
 *
 * It joins answers given elsewhere: how many fit is adaptive-limit.ts (or a fixed limit), whose turn it is fair-turn.ts and
 * tenants.ts, what is kept for those of higher priority reserve.ts, how long waiting makes sense class-queue.ts, whether
 * endpoints want less throttle.ts.
 *
 * Work is never held back while there is room for it: a request waits only while the limit is reached, its class is at its
 * share, or the free slots are kept for a higher priority. Where there is no limit, all of this costs two additions.
 *
 * Pure and without timers. After `admit` has answered "wait", after `release` and `cancel`, and on every tick, call `next` until
 * it answers undefined: it hands out slots and refusals to those who wait.
 *
 * Bounded: at most maxPendingRequests wait. Deterministic: same seed and calls, same answers. Times in ms.
 * Invariants: at the moment of a grant `underWay` <= limit; every permit is released once, a second time throws; every
 * ticket ends once, in a grant, a refusal or a cancellation.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { CircuitBreakerPolicy } from "../../model/policy.ts";
import type { AdmissionRefusal } from "../../model/refusal.ts";
import type { Prng } from "../../std/prng.ts";
import { AdaptiveLimit } from "./adaptive-limit.ts";
import { ClassQueue, type ClassPolicy, type WaitTicket } from "./class-queue.ts";
import { FairTurn } from "./fair-turn.ts";
import { FillLimit } from "./fill-limit.ts";
import { Permits, type Permit } from "./permits.ts";
import { Reserve } from "./reserve.ts";
import { retryAfterMs } from "./retry-after.ts";
import { Throttle } from "./throttle.ts";

export interface AdmissionPolicy {
  /** At least one. Requests speak of them by index. */
  readonly classes: readonly ClassPolicy[];
  readonly circuitBreaker: CircuitBreakerPolicy;
}

export interface AdmissionFacts<T> {
  readonly classIndex: number;
  /** Empty: the class's requests are all of one tenant. */
  readonly tenant: string;
  /** The caller's own; comes back with the ticket. */
  readonly waiter: T;
}

export interface Refused {
  readonly kind: "refuse";
  readonly reason: AdmissionRefusal;
  readonly retryAfterMs: number;
}

export type Admitted<T> =
  | { readonly kind: "go"; readonly permit: Permit<T> }
  | { readonly kind: "wait"; readonly ticket: WaitTicket<T> }
  | Refused;

export type NextStep<T> =
  | { readonly kind: "go"; readonly ticket: WaitTicket<T>; readonly permit: Permit<T> }
  | (Refused & { readonly ticket: WaitTicket<T> });

interface Evicted<T> {
  readonly ticket: WaitTicket<T>;
  readonly reason: AdmissionRefusal;
}

const NO_HEIRS: ReadonlyMap<string, number> = new Map();

export class Admission<T> {
  readonly #prng: Prng;
  readonly #permits = new Permits<T>();
  readonly #turn = new FairTurn<T>();
  readonly #reserve = new Reserve<T>();
  #policy: AdmissionPolicy;
  #queues: readonly ClassQueue<T>[] = [];
  #adaptive: AdaptiveLimit | undefined = undefined;
  #fill: FillLimit | undefined = undefined;
  #throttle: Throttle | undefined = undefined;
  #underWay = 0;
  #waiting = 0;
  /** The least and the greatest priority number of its classes. */
  #highest = 0;
  #lowest = 0;
  /** Gave way to others and do not know it yet. */
  readonly #evicted: Evicted<T>[] = [];
  /** Reused by every grant without a wait. */
  #go: { readonly kind: "go"; permit: Permit<T> } | undefined = undefined;

  constructor(policy: AdmissionPolicy, prng: Prng) {
    this.#prng = prng;
    this.#policy = policy;
    this.adopt(policy, 0);
  }

  /**
   * Classes keep what they have under way and learnt, by name. Those who wait in one that is gone wait on in its heir, in their order
   * behind those who wait there, and may wait as long as those may from now on. `heirs`: by name of the class that is gone, the
   * index of it; the first class where it is not given.
   */
  adopt(policy: AdmissionPolicy, nowMs: number, heirs: ReadonlyMap<string, number> = NO_HEIRS): void {
    const { adaptive, throttle } = policy.circuitBreaker;
    const before = this.#policy.circuitBreaker;
    this.#policy = policy;
    const byName = new Map(this.#queues.map((queue) => [queue.policy.name, queue]));
    this.#queues = policy.classes.map((each) => {
      const queue = byName.get(each.name) ?? new ClassQueue<T>(each);
      byName.delete(each.name);
      queue.policy = each;
      return queue;
    });
    this.#highest = Math.min(...this.#queues.map((queue) => queue.policy.priority));
    this.#lowest = Math.max(...this.#queues.map((queue) => queue.policy.priority));
    this.#turn.retain(this.#queues);
    for (const queue of byName.values()) {
      queue.gone = true;
      this.#reserve.forget(queue);
      const heir = this.#queues[heirs.get(queue.policy.name) ?? 0] ?? this.#queues[0]!;
      this.#observe(heir, nowMs);
      for (let ticket = queue.oldest; ticket !== undefined; ticket = queue.oldest)
        heir.takeOver(ticket, nowMs);
    }
    if (this.#adaptive === undefined || !sameFields(before.adaptive, adaptive)) {
      this.#adaptive = adaptive === undefined ? undefined : new AdaptiveLimit(adaptive);
      this.#fill = adaptive === undefined ? undefined : new FillLimit(adaptive.initial);
    } else this.#adaptive.retain(policy.classes.map(({ name }) => name));
    if (this.#throttle === undefined || !sameFields(before.throttle, throttle)) {
      this.#throttle = throttle === undefined ? undefined : new Throttle(throttle, this.#prng);
    }
  }

  get underWay(): number {
    return this.#underWay;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Requests that may be under way; Infinity: no limit. */
  get limit(): number {
    const most = this.#policy.circuitBreaker.maxRequests ?? Number.POSITIVE_INFINITY;
    if (this.#adaptive === undefined || this.#fill === undefined) return most;
    return Math.min(most, Math.floor(Math.max(this.#adaptive.value, this.#fill.proven)));
  }

  /** By index, for metrics and reports. */
  get classes(): readonly ClassQueue<T>[] {
    return this.#queues;
  }

  /** A "go" is valid until the next call; its permit until released. */
  admit(facts: AdmissionFacts<T>, nowMs: number): Admitted<T> {
    const queue = this.#queues[facts.classIndex];
    if (queue === undefined) throw new Error(`there is no class ${facts.classIndex}`);
    if (this.#throttle?.refuses(nowMs) === true) return this.#refuse(queue, "throttled");
    if (this.#waiting === 0 || (queue.size === 0 && !this.#somebodyMayStart(nowMs))) {
      if (this.#mayStart(queue, nowMs)) return this.#goAtOnce(queue, facts.tenant, nowMs);
    }
    return this.#enqueue(queue, facts, nowMs);
  }

  /** The answer has begun. Optional, at most once counted; without it a request teaches its latency when it is released. */
  answered(permit: Permit<T>, nowMs: number): void {
    if (!permit.open || permit.answered) return;
    permit.answered = true;
    const { queue, grantedMs } = permit;
    if (queue.gone) return;
    this.#adaptive?.answered(queue.policy.name, nowMs - grantedMs, this.#underWay, nowMs);
    if (this.#fill === undefined) return;
    const { priority } = queue.policy;
    this.#fill.answered(priority, nowMs - grantedMs, this.#underWay, this.#underWayBelow(priority), nowMs);
  }

  /** Exactly once per permit, when the request is over with all its attempts. `outcome`: of the last, as its endpoint had it. */
  release(permit: Permit<T>, outcome: Pick<Outcome, "kind" | "status">, nowMs: number): void {
    const refusedForLoad = outcome.kind === "overloaded" || outcome.status === 503;
    if (outcome.kind === "success") this.answered(permit, nowMs);
    this.#permits.redeem(permit);
    if (refusedForLoad || outcome.kind === "timeout") {
      this.#adaptive?.dropped(this.#underWay, nowMs);
      this.#fill?.dropped();
    }
    if (!refusedForLoad) this.#throttle?.accepted(nowMs);
    const { queue, tenant, grantedMs, expectedMs } = permit;
    const heldMs = Math.max(0, nowMs - grantedMs);
    if (!queue.gone) this.#observe(queue, nowMs);
    this.#underWay--;
    queue.underWay--;
    queue.tagMs += (heldMs - expectedMs) / queue.policy.weight;
    queue.tenants.ended(tenant, heldMs - expectedMs);
    queue.learnHold(heldMs);
  }

  /** The waiting request is no longer wanted. Harmless once it is over. */
  cancel(ticket: WaitTicket<T>, nowMs: number): void {
    if (ticket.over) return;
    this.#observe(ticket.queue, nowMs);
    this.#leave(ticket, nowMs);
  }

  /** What became of somebody who waits; undefined: nothing more for now. */
  next(nowMs: number): NextStep<T> | undefined {
    const evicted = this.#evicted.pop();
    if (evicted !== undefined) {
      const { ticket, reason } = evicted;
      return { ...this.#refuse(ticket.queue, reason), ticket };
    }
    if (this.#waiting === 0) return undefined;
    for (const queue of this.#queues) {
      const ticket = queue.expired(nowMs);
      if (ticket === undefined) continue;
      const reason = this.#atShare(queue) ? "class-limit" : "queue-timeout";
      this.#observe(queue, nowMs);
      this.#leave(ticket, nowMs);
      return { ...this.#refuse(queue, reason), ticket };
    }
    const queue = this.#turn.choose(this.#queues, (each) => this.#mayStart(each, nowMs));
    const ticket = queue?.peek(nowMs);
    if (queue === undefined || ticket === undefined) return undefined;
    const permit = this.#grant(queue, ticket.tenant, nowMs);
    permit.waitedMs = nowMs - ticket.sinceMs;
    this.#learnWait(queue, permit.waitedMs);
    this.#leave(ticket, nowMs);
    return { kind: "go", ticket, permit };
  }

  #goAtOnce(queue: ClassQueue<T>, tenantKey: string, nowMs: number): Admitted<T> {
    this.#observe(queue, nowMs);
    const permit = this.#grant(queue, queue.tenants.of(tenantKey), nowMs);
    permit.waitedMs = 0;
    this.#learnWait(queue, 0);
    if (this.#go === undefined) this.#go = { kind: "go", permit };
    else this.#go.permit = permit;
    return this.#go;
  }

  #grant(queue: ClassQueue<T>, tenant: Permit<T>["tenant"], nowMs: number): Permit<T> {
    this.#underWay++;
    queue.underWay++;
    this.#turn.started(queue, queue.holdMs);
    queue.tenants.started(tenant, queue.holdMs);
    this.#throttle?.sent(nowMs);
    const permit = this.#permits.issue(queue, tenant);
    permit.grantedMs = nowMs;
    permit.expectedMs = queue.holdMs;
    return permit;
  }

  #enqueue(queue: ClassQueue<T>, facts: AdmissionFacts<T>, nowMs: number): Admitted<T> {
    const classFull = queue.size >= queue.policy.queue.maxLength;
    if (classFull || this.#waiting >= this.#policy.circuitBreaker.maxPendingRequests) {
      const lesser = classFull ? undefined : this.#lesserThan(queue);
      const victim = lesser ?? this.#greedierThan(queue, facts.tenant);
      if (victim === undefined) {
        return this.#refuse(queue, classFull && this.#atShare(queue) ? "class-limit" : "queue-full");
      }
      this.#evict(victim, lesser === undefined ? "queue-full" : "shed", nowMs);
    }
    this.#observe(queue, nowMs);
    const ticket = queue.push(facts.waiter, facts.tenant, nowMs);
    this.#waiting++;
    return { kind: "wait", ticket };
  }

  /** The last to come of the class that gives way first, provided it gives way before this one. */
  #lesserThan(queue: ClassQueue<T>): WaitTicket<T> | undefined {
    let victim: ClassQueue<T> | undefined;
    for (const other of this.#queues) {
      if (other.size === 0 || other.policy.sheddingOrder <= queue.policy.sheddingOrder) continue;
      if (victim === undefined || other.policy.sheddingOrder > victim.policy.sheddingOrder) victim = other;
    }
    return victim?.newest;
  }

  /**
   * The last to come of the class, if its tenant has more waiting than this one would have: a flood must not fill the
   * queue against others. The last is most likely of whoever floods.
   */
  #greedierThan(queue: ClassQueue<T>, tenantKey: string): WaitTicket<T> | undefined {
    const own = queue.tenants.peekOf(tenantKey)?.waiting ?? 0;
    const last = queue.newest;
    return last !== undefined && last.tenant.waiting > own + 1 ? last : undefined;
  }

  #evict(ticket: WaitTicket<T>, reason: AdmissionRefusal, nowMs: number): void {
    this.#observe(ticket.queue, nowMs);
    this.#leave(ticket, nowMs);
    this.#evicted.push({ ticket, reason });
  }

  #leave(ticket: WaitTicket<T>, nowMs: number): void {
    ticket.queue.remove(ticket, nowMs);
    this.#waiting--;
  }

  #somebodyMayStart(nowMs: number): boolean {
    return this.#queues.some((queue) => queue.size > 0 && this.#mayStart(queue, nowMs));
  }

  #mayStart(queue: ClassQueue<T>, nowMs: number): boolean {
    const { limit } = this;
    if (this.#underWay >= limit || queue.underWay >= this.#ceilingOf(queue)) return false;
    const { priority } = queue.policy;
    if (limit === Number.POSITIVE_INFINITY || priority === this.#highest || queue.underWay === 0) return true;
    for (const other of this.#queues) if (other.policy.priority < priority) this.#observe(other, nowMs);
    if (!this.#reserve.hasAbove(priority)) return true;
    const kept = this.#underWay + this.#reserve.wanted(priority, this.#queues);
    if (kept >= limit) return false;
    if (this.#fill === undefined || kept < this.#fill.value) return true;
    this.#fill.heldBack();
    return false;
  }

  /** A request has got its slot; what is under way beyond what the pool can work on at once waits there, not here. */
  #learnWait(queue: ClassQueue<T>, waitedMs: number): void {
    const { priority } = queue.policy;
    if (priority === this.#lowest || this.limit === Number.POSITIVE_INFINITY) return;
    if (this.#underWayBelow(priority) === 0) return;
    const excess = this.#fill === undefined ? 0 : Math.max(0, this.#underWay - this.#fill.value);
    this.#reserve.learn(queue, waitedMs, excess, this.#queues);
  }

  #underWayBelow(priority: number): number {
    let sum = 0;
    for (const { policy, underWay } of this.#queues) if (policy.priority > priority) sum += underWay;
    return sum;
  }

  /** Before what a class has under way and waiting changes. */
  #observe(queue: ClassQueue<T>, nowMs: number): void {
    if (this.limit !== Number.POSITIVE_INFINITY) this.#reserve.observe(queue, this.#ceilingOf(queue), nowMs);
  }

  /** What a class may have under way. */
  #ceilingOf(queue: ClassQueue<T>): number {
    return Math.max(1, Math.ceil(this.limit * queue.policy.maxConcurrencyRatio));
  }

  #atShare(queue: ClassQueue<T>): boolean {
    return queue.underWay >= this.#ceilingOf(queue) && this.#underWay < this.limit;
  }

  #refuse(queue: ClassQueue<T>, reason: AdmissionRefusal): Refused {
    const ahead = this.#waiting + 1;
    return {
      kind: "refuse",
      reason,
      retryAfterMs: retryAfterMs(ahead, this.limit, queue.holdMs, this.#prng),
    };
  }
}

/** Whether two parts of a policy say the same: they hold numbers only. */
function sameFields(a: object | undefined, b: object | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const other = b as Readonly<Record<string, unknown>>;
  return Object.entries(a).every(([field, value]) => other[field] === value);
}
