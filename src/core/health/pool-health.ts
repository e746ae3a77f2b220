/**
 * The health of one pool as its brain meets it: outlier detection and slow start behind the five moments at which
 * they learn something, and a journal of what they did.
 *
 * `due[0]` says when `judge` next has something to do. The brain compares it once per pick, so that ejections end on
 * time even if nobody ticks; whoever ticks `judge` keeps an idle pool's picture right as well.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { PoolPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import { READY, type Columns } from "../signals/columns.ts";
import type { Ejection, Roster } from "./ejections.ts";
import { OutlierDetector } from "./outlier.ts";
import { SlowStart } from "./slow-start.ts";

export interface HealthEvent {
  readonly kind: "ejected" | "returned";
  readonly slot: number;
  readonly ejection: Ejection;
  readonly atMs: number;
}

/** Whoever does not collect events loses the oldest. */
const EVENTS_MAX = 256;

const NEVER_SEEN = -1;

export class PoolHealth {
  /** One cell, for a fractional result would be boxed. */
  readonly due = new Float64Array([Number.POSITIVE_INFINITY]);
  readonly #columns: Columns;
  readonly #outliers: OutlierDetector;
  readonly #slowStart: SlowStart;
  #events: HealthEvent[] = [];
  /** By slot: the generation of the endpoint that was last seen ready there. */
  #seen = new Int32Array(0);

  constructor(columns: Columns, roster: Roster, prng: Prng) {
    this.#columns = columns;
    this.#slowStart = new SlowStart(columns);
    this.#outliers = new OutlierDetector(columns, roster, prng, {
      ejected: (ejection, nowMs) => this.#note("ejected", ejection, nowMs),
      returned: (ejection, nowMs) => {
        this.#slowStart.begin(ejection.slot, nowMs);
        this.#note("returned", ejection, nowMs);
      },
    });
  }

  /** After membership was taken over. `running`: somebody could serve before. `bound`: every slot in use is below it. */
  adopt(policy: PoolPolicy, running: boolean, bound: number, nowMs: number): void {
    this.#slowStart.adopt(policy.slowStart, nowMs);
    this.#outliers.adopt(policy.outlierDetection, nowMs);
    this.#welcome(running, bound, nowMs);
    this.#setDue();
  }

  answered(slot: number): void {
    this.#outliers.answered(slot);
  }

  ended(slot: number, outcome: Outcome, nowMs: number): void {
    this.#outliers.ended(slot, outcome, nowMs);
  }

  /** Active checks found the endpoint healthy again. */
  recovered(slot: number, nowMs: number): void {
    this.#slowStart.begin(slot, nowMs);
    this.#setDue();
  }

  /** One active check has passed, whatever the thresholds make of it. */
  checkPassed(slot: number, nowMs: number): void {
    this.#outliers.checkPassed(slot, nowMs);
    this.#setDue();
  }

  judge(nowMs: number): void {
    if (nowMs >= this.#outliers.dueMs) this.#outliers.judge(nowMs);
    if (nowMs >= this.#slowStart.dueMs) this.#slowStart.advance(nowMs);
    this.#setDue();
  }

  ejectionOf(slot: number): Ejection | undefined {
    return this.#outliers.ejectionOf(slot);
  }

  /** What happened since the last call, oldest first. */
  takeEvents(): readonly HealthEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Whoever is ready for the first time in a pool that was serving starts slowly; so does one that drained and came back. */
  #welcome(running: boolean, bound: number, nowMs: number): void {
    if (this.#seen.length < this.#columns.capacity) {
      const seen = new Int32Array(this.#columns.capacity).fill(NEVER_SEEN);
      seen.set(this.#seen);
      this.#seen = seen;
    }
    for (let slot = 0; slot < bound; slot++) {
      const ready = this.#columns.state[slot] === READY;
      const generation = this.#columns.generation[slot]!;
      if (ready && running && this.#seen[slot] !== generation) this.#slowStart.begin(slot, nowMs);
      this.#seen[slot] = ready ? generation : NEVER_SEEN;
    }
  }

  #note(kind: HealthEvent["kind"], ejection: Ejection, nowMs: number): void {
    if (this.#events.length >= EVENTS_MAX) this.#events.shift();
    this.#events.push({ kind, slot: ejection.slot, ejection, atMs: nowMs });
    this.#setDue();
  }

  #setDue(): void {
    this.due[0] = Math.min(this.#outliers.dueMs, this.#slowStart.dueMs);
  }
}
