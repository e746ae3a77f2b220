/**
 * What speaks for and against each endpoint of a pool: failures in a row, and an interval's successes, failures and
 * latencies, in columns indexed by slot.
 *
 * Buckets are double-buffered as in Envoy: attempts are entered in the current ones, and at the end of an interval
 * `turn` swaps them with the previous, which are then judged at leisure and cleared. O(1) per attempt, no allocation.
 *
 * 429 is load, never illness: it shows that the endpoint is alive, so it ends a row of failures, and stands in no
 * statistic.
 *
 * `stumbled` marks an endpoint whose latest attempt failed. If that is most of the pool, the cause lies
 * elsewhere (a shared database, the network, the requests themselves) and no single endpoint is to blame.
 *
 * Invariant: `stumbling` counts the marks.
 */
import type { OutcomeKind } from "../../model/outcome.ts";
import type { Columns } from "../signals/columns.ts";

/** What an attempt says, once split into where its failure arose. */
export type Sign = "none" | "alive" | "good" | "external" | "local";

export interface Buckets {
  attempts: Float64Array;
  good: Float64Array;
  /** Attempts with a known time to the first byte, and the sum of those. */
  answers: Float64Array;
  answersMs: Float64Array;
}

export class Evidence {
  readonly #columns: Columns;
  /** Responses of 5xx in a row, and without splitting all failures in a row. */
  errors = new Int32Array(0);
  gatewayErrors = new Int32Array(0);
  localFailures = new Int32Array(0);
  previous: Buckets = createBuckets(0);
  #current: Buckets = createBuckets(0);
  #stumbled = new Uint8Array(0);
  /** Whose evidence it is: another endpoint may have moved into the slot. */
  #generation = new Int32Array(0);
  #stumbling = 0;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  get stumbling(): number {
    return this.#stumbling;
  }

  /** An attempt ended. `split`: failures to get a response count apart from responses of 5xx. */
  ended(slot: number, kind: OutcomeKind, status: number, split: boolean): void {
    const sign = signOf(kind);
    if (sign === "none") return;
    this.settleIn(slot);
    if (sign === "alive") {
      this.clearRow(slot);
      return;
    }
    const failed = sign !== "good";
    if (!(split && sign === "local")) this.#enter(slot, failed);
    this.#mark(slot, failed);
    if (!failed) {
      this.clearRow(slot);
    } else if (split && sign === "local") {
      this.localFailures[slot] = this.localFailures[slot]! + 1;
    } else {
      // Something answered: whatever kept the connections from working is over.
      if (sign === "external") this.localFailures[slot] = 0;
      this.errors[slot] = this.errors[slot]! + 1;
      const byGateway = sign === "local" || (status >= 502 && status <= 504);
      this.gatewayErrors[slot] = byGateway ? this.gatewayErrors[slot]! + 1 : 0;
    }
  }

  /** A good answer began, after the slot's `latencySampleMs`. */
  answered(slot: number): void {
    this.settleIn(slot);
    const current = this.#current;
    current.answers[slot] = current.answers[slot]! + 1;
    current.answersMs[slot] = current.answersMs[slot]! + this.#columns.latencySampleMs[slot]!;
  }

  /** The interval is over: what was entered in it can be judged. `previous` must have been cleared slot by slot. */
  turn(): void {
    const before = this.previous;
    this.previous = this.#current;
    this.#current = before;
  }

  /** The slot's past interval has been judged. A failure that nothing followed for an interval is no longer fresh. */
  forget(slot: number): void {
    this.settleIn(slot);
    if (this.previous.attempts[slot] === 0) this.#mark(slot, false);
    clearBucket(this.previous, slot);
  }

  /** Failures in a row are forgiven: as after a success, and for one who returns. */
  clearRow(slot: number): void {
    this.errors[slot] = 0;
    this.gatewayErrors[slot] = 0;
    this.localFailures[slot] = 0;
  }

  /** Makes sure that the slot has its place, and that what stands there is about its present endpoint. */
  settleIn(slot: number): void {
    if (slot >= this.errors.length) this.#grow();
    const generation = this.#columns.generation[slot]!;
    if (this.#generation[slot] === generation) return;
    this.#generation[slot] = generation;
    this.clearRow(slot);
    this.#mark(slot, false);
    clearBucket(this.#current, slot);
    clearBucket(this.previous, slot);
  }

  #enter(slot: number, failed: boolean): void {
    const current = this.#current;
    current.attempts[slot] = current.attempts[slot]! + 1;
    if (!failed) current.good[slot] = current.good[slot]! + 1;
  }

  #mark(slot: number, failed: boolean): void {
    const after = failed ? 1 : 0;
    this.#stumbling += after - this.#stumbled[slot]!;
    this.#stumbled[slot] = after;
  }

  #grow(): void {
    const capacity = this.#columns.capacity;
    this.errors = grownInts(this.errors, capacity);
    this.gatewayErrors = grownInts(this.gatewayErrors, capacity);
    this.localFailures = grownInts(this.localFailures, capacity);
    this.#generation = grownInts(this.#generation, capacity);
    this.#current = grownBuckets(this.#current, capacity);
    this.previous = grownBuckets(this.previous, capacity);
    const stumbled = new Uint8Array(capacity);
    stumbled.set(this.#stumbled);
    this.#stumbled = stumbled;
  }
}

function signOf(kind: OutcomeKind): Sign {
  switch (kind) {
    case "cancelled":
      return "none";
    case "overloaded":
      return "alive";
    case "success":
      return "good";
    case "server-error":
      return "external";
    case "connect-failure":
    case "refused":
    case "broken":
    case "timeout":
      return "local";
  }
}

function createBuckets(capacity: number): Buckets {
  return {
    attempts: new Float64Array(capacity),
    good: new Float64Array(capacity),
    answers: new Float64Array(capacity),
    answersMs: new Float64Array(capacity),
  };
}

function grownBuckets(before: Buckets, capacity: number): Buckets {
  const after = createBuckets(capacity);
  after.attempts.set(before.attempts);
  after.good.set(before.good);
  after.answers.set(before.answers);
  after.answersMs.set(before.answersMs);
  return after;
}

function clearBucket(buckets: Buckets, slot: number): void {
  buckets.attempts[slot] = 0;
  buckets.good[slot] = 0;
  buckets.answers[slot] = 0;
  buckets.answersMs[slot] = 0;
}

function grownInts(before: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const after = new Int32Array(capacity);
  after.set(before);
  return after;
}
