/**
 * The health of one pool as its brain meets it: outlier detection and slow start behind the five moments at which
 * they learn something, and a journal of what they did.
 *
 * `due[0]` says when `judge` next has something to do, `trialDue[0]` when somebody should be sent a request to prove
 * itself:
 * - one whose ejection's time is over;
 * - one whom active checks have just found healthy again: it need not wait for its turn in slow start to show that it is back;
 * - one that made no connection, or cut one, a moment ago (DOUBT_MS): where load is light a latency-aware policy leaves it
 *   alone for long after a single failure, neither ejected nor measured.
 * The brain compares both cells once per pick, so both work if nobody ticks; whoever ticks `judge` keeps an idle pool's
 * picture right as well.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { PoolPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import { READY, type Columns } from "../signals/columns.ts";
import { grown } from "../signals/grown.ts";
import type { Ejection, Roster } from "./ejections.ts";
import { isCut, type Attempt } from "./evidence.ts";
import { OutlierDetector } from "./outlier.ts";
import { SlowStart } from "./slow-start.ts";

export interface HealthEvent {
  /** `kept`: its trial failed, and it stays out until `ejection.untilMs`. */
  readonly kind: "ejected" | "kept" | "returned";
  readonly slot: number;
  readonly ejection: Ejection;
  readonly atMs: number;
}

/** Whoever does not collect events loses the oldest. */
const EVENTS_MAX = 256;

const NEVER_SEEN = -1;

/** As the first pause of one that is unreachable (ejections.ts). */
const DOUBT_MS = 1_000;
/** One who cannot be tried now is not looked at with every pick. */
const LOOK_MS = 50;

interface Invitation {
  readonly generation: number;
  readonly dueMs: number;
}

export class PoolHealth {
  /** One cell, for a fractional result would be boxed. */
  readonly due = new Float64Array([Number.POSITIVE_INFINITY]);
  /** One cell: when `takeTrial` next has somebody. */
  readonly trialDue = new Float64Array([Number.POSITIVE_INFINITY]);
  readonly #columns: Columns;
  readonly #outliers: OutlierDetector;
  readonly #slowStart: SlowStart;
  #events: HealthEvent[] = [];
  /** Passes of active checks that bring a trial forward. */
  #healthyThreshold = 1;
  #isJudging = false;
  /** By slot: who should be sent a request though not ejected, and from when on. */
  readonly #invited = new Map<number, Invitation>();
  readonly #inviteDue = new Float64Array([Number.POSITIVE_INFINITY]);
  /** By slot: the generation of the endpoint that was last seen ready there. */
  #seen = new Int32Array(0);

  constructor(columns: Columns, roster: Roster, prng: Prng) {
    this.#columns = columns;
    this.#slowStart = new SlowStart(columns);
    this.#outliers = new OutlierDetector(columns, roster, prng, {
      ejected: (ejection, nowMs) => this.#note("ejected", ejection, nowMs),
      kept: (ejection, nowMs) => this.#note("kept", ejection, nowMs),
      returned: (ejection, nowMs) => {
        this.#slowStart.begin(ejection.slot, nowMs);
        this.#note("returned", ejection, nowMs);
      },
    });
  }

  /** After membership was taken over. `running`: somebody could serve before. `bound`: every slot in use is below it. */
  adopt(policy: PoolPolicy, running: boolean, bound: number, nowMs: number): void {
    this.#healthyThreshold = policy.healthCheck?.healthyThreshold ?? 1;
    this.#isJudging = policy.outlierDetection !== undefined;
    this.#slowStart.adopt(policy.slowStart, nowMs);
    this.#outliers.adopt(policy.outlierDetection, nowMs);
    this.#welcome(running, bound, nowMs);
    this.#setDue();
  }

  /**
   * Somebody who should be sent a request now to prove itself, for whom `may` holds; below 0: nobody.
   * `keyed`: the request has an endpoint of its own; it goes astray for one who is ejected, not for one who is back.
   */
  takeTrial(may: (slot: number) => boolean, keyed: boolean, nowMs: number): number {
    const { state, healthy } = this.#columns;
    const canServe = (slot: number): boolean => state[slot] === READY && healthy[slot] === 1 && may(slot);
    let slot = this.#takeInvited(canServe, keyed, nowMs);
    if (slot < 0 && nowMs >= this.#outliers.trialDue[0]!) slot = this.#outliers.takeTrial(canServe, nowMs);
    this.#setDue();
    return slot;
  }

  answered(slot: number, attempt: Attempt, nowMs: number): void {
    const wasOut = this.#columns.ejected[slot] === 1;
    this.#outliers.answered(slot, attempt, nowMs);
    if (wasOut) this.#setDue();
  }

  /** `answered`: the first byte had come, or the client still owed the request. */
  ended(slot: number, outcome: Outcome, attempt: Attempt, answered: boolean, nowMs: number): void {
    const wasOut = this.#columns.ejected[slot] === 1;
    this.#outliers.ended(slot, outcome, attempt, answered, nowMs);
    // What nearly every request is: nobody becomes due by it.
    if (outcome.kind === "success" && !wasOut) return;
    if (this.#isJudging && isCut(outcome.kind)) this.#invite(slot, nowMs + DOUBT_MS);
    this.#setDue();
  }

  /** Active checks found the endpoint healthy again. */
  recovered(slot: number, nowMs: number): void {
    this.#slowStart.begin(slot, nowMs);
    if (this.#columns.ejected[slot] === 1) this.#outliers.recovered(slot, nowMs);
    else this.#invite(slot, nowMs);
    this.#setDue();
  }

  /** One active check has passed, whatever the thresholds make of it. */
  checkPassed(slot: number, nowMs: number): void {
    this.#outliers.checkPassed(slot, this.#healthyThreshold, nowMs);
    this.#setDue();
  }

  judge(nowMs: number): void {
    if (nowMs >= this.#outliers.dueMs) this.#outliers.judge(nowMs);
    if (nowMs >= this.#slowStart.dueMs) this.#slowStart.advance(nowMs);
    this.#setDue();
  }

  get ejectedCount(): number {
    return this.#outliers.ejectedCount;
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

  #invite(slot: number, dueMs: number): void {
    if (this.#columns.ejected[slot] === 1) return;
    this.#invited.set(slot, { generation: this.#columns.generation[slot]!, dueMs });
    this.#inviteDue[0] = Math.min(this.#inviteDue[0]!, dueMs);
  }

  #takeInvited(may: (slot: number) => boolean, keyed: boolean, nowMs: number): number {
    if (nowMs < this.#inviteDue[0]!) return -1;
    const { generation, ejected } = this.#columns;
    let next = Number.POSITIVE_INFINITY;
    let taken = -1;
    for (const [slot, { generation: known, dueMs }] of this.#invited) {
      const isOver = generation[slot] !== known || ejected[slot] === 1 || keyed;
      const isDue = dueMs <= nowMs;
      if (isOver || (isDue && taken < 0 && may(slot))) {
        this.#invited.delete(slot);
        if (!isOver) taken = slot;
      } else next = Math.min(next, isDue && taken < 0 ? nowMs + LOOK_MS : dueMs);
    }
    this.#inviteDue[0] = next;
    return taken;
  }

  /** Whoever is ready for the first time in a pool that was serving starts slowly; so does one that drained and came back. */
  #welcome(running: boolean, bound: number, nowMs: number): void {
    if (this.#seen.length < this.#columns.capacity) {
      this.#seen = grown(this.#seen, this.#columns.capacity, NEVER_SEEN);
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
    this.trialDue[0] = Math.min(this.#outliers.trialDue[0]!, this.#inviteDue[0]!);
  }
}
