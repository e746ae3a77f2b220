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
 * Silence speaks too: a request whose client left after waiting SILENCE_RATIO times what is typical of the pool, and
 * SILENCE_MIN_MS at least, counts as one that got no answer. Impatient clients would otherwise hide an endpoint that hangs.
 *
 * An endpoint that is well again is not condemned for before. A failure of an attempt that left before the latest
 * ROW_GOOD good ends in a row is late news: it joins no row. And `isWellNow` tells statistics of an interval whose end
 * contradicts them.
 *
 * A process that dies is one event, however many connections it cuts: an endpoint that answers well after nothing but
 * such failures has its error ratio back as it was before them. Not twice within STATE_MS: what comes and goes so often is
 * no state, but a coin that falls.
 *
 * `stumbled` marks an endpoint whose latest attempt failed. If that is most of the pool, the cause lies
 * elsewhere (a shared database, the network, the requests themselves) and no single endpoint is to blame.
 *
 * Invariant: `stumbling` counts the marks.
 */
import type { Outcome, OutcomeKind } from "../../model/outcome.ts";
import type { Columns } from "../signals/columns.ts";
import { grown } from "../signals/grown.ts";
import { unlearnFailures } from "../signals/learn.ts";
import { TAU_MS } from "../signals/peak-ewma.ts";

/** What an attempt says, once split into where its failure arose. */
export type Sign = "none" | "alive" | "good" | "external" | "local";

/** When an attempt left, and since when the endpoint has owed its answer: a claim of balance/tickets.ts. */
export interface Attempt {
  readonly pickedMs: number;
  readonly sinceMs: number;
}

/** Beyond what one slow answer in a few thousand explains, whatever the distribution's tail. */
const SILENCE_RATIO = 10;
/** What people and programs call an abandoned request lasts at least that long; the rest is speculation and races. */
const SILENCE_MIN_MS = 250;

/** An endpoint at which nine of ten fail has so many good ends in a row once in a thousand. */
const ROW_GOOD = 3;

/** A fault that would leave the row of good ends so rarely is over. */
const CHANCE_MIN = 0.01;

/** As long as the error ratio itself remembers (signals/error-ratio.ts). */
const STATE_MS = TAU_MS;

/** Of an endpoint slow enough to be ejected (peers.ts) one answer in three is a quick one: it shows that many in a row at 0.5 %. */
const ROW_QUICK = 5;

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
  /** One cell: what counts as a quick answer; peers.ts says, 0 where it does not know. */
  readonly quickMs = new Float64Array(1);
  /** Failures in a row if all were to connect or to stay connected, else 0; and the error ratio at the latest good end. */
  #cutOff = new Int32Array(0);
  #calmRatio = new Float64Array(0);
  /** When the ratio was last given back. */
  #unlearnedMs = new Float64Array(0);
  /** Good ends since the latest bad one, and quick answers since the latest slow one. */
  #goodRow = new Int32Array(0);
  #quickRow = new Int32Array(0);
  /** When a row of good ends last was long enough to tell. */
  #goodMs = new Float64Array(0);
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
  ended(slot: number, outcome: Outcome, sign: Sign, attempt: Attempt, split: boolean, nowMs: number): void {
    if (sign === "none") return;
    this.settleIn(slot);
    if (sign === "alive") {
      this.clearRow(slot);
      return;
    }
    const failed = sign !== "good";
    if (!(split && sign === "local")) this.#enter(slot, failed);
    if (!failed) {
      this.#goodRow[slot] = this.#goodRow[slot]! + 1;
      if (this.#goodRow[slot] >= ROW_GOOD) this.#goodMs[slot] = nowMs;
      if (this.#cutOff[slot]! > 0 && nowMs - this.#unlearnedMs[slot]! >= STATE_MS) {
        unlearnFailures(this.#columns, slot, this.#calmRatio[slot]!);
        this.#unlearnedMs[slot] = nowMs;
      }
      this.#calmRatio[slot] = this.#columns.errorRatio[slot]!;
      this.#mark(slot, false);
      this.clearRow(slot);
      return;
    }
    if (attempt.pickedMs < this.#goodMs[slot]!) return;
    this.#goodRow[slot] = 0;
    this.#mark(slot, true);
    const row = this.errors[slot]! + this.localFailures[slot]!;
    this.#cutOff[slot] = isCut(outcome.kind) && this.#cutOff[slot] === row ? row + 1 : 0;
    if (split && sign === "local") {
      this.localFailures[slot] = this.localFailures[slot]! + 1;
    } else {
      // Something answered: whatever kept the connections from working is over.
      if (sign === "external") this.localFailures[slot] = 0;
      this.errors[slot] = this.errors[slot]! + 1;
      const { status } = outcome;
      const byGateway = sign === "local" || (status >= 502 && status <= 504);
      this.gatewayErrors[slot] = byGateway ? this.gatewayErrors[slot]! + 1 : 0;
    }
  }

  /** A good answer began, after the slot's `latencySampleMs`. */
  answered(slot: number): void {
    this.settleIn(slot);
    const current = this.#current;
    const sampleMs = this.#columns.latencySampleMs[slot]!;
    current.answers[slot] = current.answers[slot]! + 1;
    current.answersMs[slot] = current.answersMs[slot]! + sampleMs;
    this.#quickRow[slot] = sampleMs <= this.quickMs[0]! ? this.#quickRow[slot]! + 1 : 0;
  }

  /** What the end says. `answered`: the first byte had come, or the client still owed the request. */
  signOf(outcome: Outcome, attempt: Attempt, answered: boolean, nowMs: number): Sign {
    switch (outcome.kind) {
      case "cancelled":
        return !answered && this.#isSilence(nowMs - attempt.sinceMs) ? "local" : "none";
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

  /** Whether the latest ends would be a strange chance if this share of attempts still failed. */
  isWellNow(slot: number, failedRatio: number): boolean {
    return (1 - failedRatio) ** this.#goodRow[slot]! < CHANCE_MIN;
  }

  /** Whether the latest answers were quick. */
  isQuickNow(slot: number): boolean {
    return this.#quickRow[slot]! >= ROW_QUICK;
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
    this.#cutOff[slot] = 0;
  }

  /** One who returns has a clean sheet: what it is judged by from here on is what it does from here on. */
  absolve(slot: number): void {
    this.settleIn(slot);
    this.clearRow(slot);
    this.#mark(slot, false);
    this.#goodRow[slot] = 0;
    this.#quickRow[slot] = 0;
    this.#calmRatio[slot] = 0;
    clearBucket(this.#current, slot);
    clearBucket(this.previous, slot);
  }

  /** Makes sure that the slot has its place, and that what stands there is about its present endpoint. */
  settleIn(slot: number): void {
    if (slot >= this.errors.length) this.#grow();
    const generation = this.#columns.generation[slot]!;
    if (this.#generation[slot] === generation) return;
    this.#generation[slot] = generation;
    this.#goodMs[slot] = Number.NEGATIVE_INFINITY;
    this.#unlearnedMs[slot] = Number.NEGATIVE_INFINITY;
    this.absolve(slot);
  }

  /** While nothing is known of the pool's answers nobody is called silent. */
  #isSilence(waitedMs: number): boolean {
    const typicalMs = this.#columns.typicalMs[0]!;
    return typicalMs > 0 && waitedMs >= Math.max(SILENCE_MIN_MS, SILENCE_RATIO * typicalMs);
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
    this.errors = grown(this.errors, capacity);
    this.gatewayErrors = grown(this.gatewayErrors, capacity);
    this.localFailures = grown(this.localFailures, capacity);
    this.#cutOff = grown(this.#cutOff, capacity);
    this.#unlearnedMs = grown(this.#unlearnedMs, capacity, Number.NEGATIVE_INFINITY);
    this.#calmRatio = grown(this.#calmRatio, capacity);
    this.#goodRow = grown(this.#goodRow, capacity);
    this.#quickRow = grown(this.#quickRow, capacity);
    this.#goodMs = grown(this.#goodMs, capacity, Number.NEGATIVE_INFINITY);
    this.#generation = grown(this.#generation, capacity);
    this.#current = grownBuckets(this.#current, capacity);
    this.previous = grownBuckets(this.previous, capacity);
    this.#stumbled = grown(this.#stumbled, capacity);
  }
}

/** No connection, or one that ended before its answer: what a process that is gone looks like. */
export function isCut(kind: OutcomeKind): boolean {
  return kind === "connect-failure" || kind === "refused" || kind === "broken";
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
  return {
    attempts: grown(before.attempts, capacity),
    good: grown(before.good, capacity),
    answers: grown(before.answers, capacity),
    answersMs: grown(before.answersMs, capacity),
  };
}

function clearBucket(buckets: Buckets, slot: number): void {
  buckets.attempts[slot] = 0;
  buckets.good[slot] = 0;
  buckets.answers[slot] = 0;
  buckets.answersMs[slot] = 0;
}
