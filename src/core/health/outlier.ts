/**
 * Outlier detection: ejects endpoints that do markedly worse than their peers, on the evidence of their own traffic.
 *
 * After Envoy's (source/common/upstream/outlier_detection_impl.cc) and gRPC A50. Failures in a row act at once, with the
 * attempt that completes the row; what needs statistics waits for the end of the interval, when `judge` looks over all
 * endpoints in slices, so that a pool of 10,000 never holds up a request for more than SLICE slots.
 *
 * Nobody is ejected for what most of the pool does: if the latest attempt failed at more than half of the
 * endpoints, rows of failures are held against nobody, and whoever was ejected for one in the same interval comes back;
 * how many may be out at all is for ejections.ts.
 *
 * Who is out comes back by a trial (ejections.ts): the end, or the good first byte, of an attempt that left when its time was
 * over decides.
 *
 * O(1) per attempt. Times in ms.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { OutlierPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import { READY, type Columns } from "../signals/columns.ts";
import { unlearnFailures } from "../signals/learn.ts";
import { Ejections, type Ejection, type EjectionReason, type Pace, type Roster } from "./ejections.ts";
import { Evidence, isCut, type Attempt } from "./evidence.ts";
import { Peers, type Suspect } from "./peers.ts";

/** Slots looked at in one call: some microseconds. */
const SLICE = 512;

/** What is done with what happened: reports, logs, slow start. */
export interface OutlierListener {
  ejected(ejection: Ejection, nowMs: number): void;
  /** Its trial failed; it stays out until then. */
  kept(ejection: Ejection, nowMs: number): void;
  returned(ejection: Ejection, nowMs: number): void;
}

type Sweep = "resting" | "gathering" | "judging";

export class OutlierDetector {
  readonly #columns: Columns;
  readonly #roster: Roster;
  readonly #listener: OutlierListener;
  readonly #evidence: Evidence;
  readonly #ejections: Ejections;
  readonly #peers: Peers;
  #policy: OutlierPolicy | undefined = undefined;
  #sweep: Sweep = "resting";
  #cursor = 0;
  #suspects: Suspect[] = [];
  #nextSweepMs = Number.POSITIVE_INFINITY;

  constructor(columns: Columns, roster: Roster, prng: Prng, listener: OutlierListener) {
    this.#columns = columns;
    this.#roster = roster;
    this.#listener = listener;
    this.#evidence = new Evidence(columns);
    this.#ejections = new Ejections(columns, roster, prng);
    this.#peers = new Peers(columns, this.#evidence);
  }

  /** Undefined brings everybody back. */
  adopt(policy: OutlierPolicy | undefined, nowMs: number): void {
    const before = this.#policy;
    this.#policy = policy;
    if (policy === undefined) {
      if (before !== undefined) this.#bringBack(() => true, before, nowMs);
      this.#sweep = "resting";
      this.#nextSweepMs = Number.POSITIVE_INFINITY;
    } else if (before?.intervalMs !== policy.intervalMs) {
      this.#nextSweepMs = nowMs + policy.intervalMs;
    }
  }

  /** When `judge` next has something to do. */
  get dueMs(): number {
    return this.#sweep === "resting" ? this.#nextSweepMs : Number.NEGATIVE_INFINITY;
  }

  /** One cell: when `takeTrial` next has somebody. */
  get trialDue(): Float64Array {
    return this.#ejections.trialDue;
  }

  /** One whose trial is due and for whom `may` holds, or below 0. The attempt must leave now. */
  takeTrial(may: (slot: number) => boolean, nowMs: number): number {
    return this.#policy === undefined ? -1 : this.#ejections.takeTrial(may, this.#policy, nowMs);
  }

  get ejectedCount(): number {
    return this.#ejections.count;
  }

  ejectionOf(slot: number): Ejection | undefined {
    return this.#ejections.of(slot);
  }

  /** A good answer began; the columns have learned its latency. */
  answered(slot: number, attempt: Attempt, nowMs: number): void {
    const policy = this.#policy;
    if (policy === undefined) return;
    // A stream may go on for hours: its first byte is proof enough.
    if (this.#columns.ejected[slot] === 1) this.#acquit(slot, attempt, policy, nowMs);
    else this.#evidence.answered(slot);
  }

  /** `answered`: the first byte had come, or the client still owed the request. */
  ended(slot: number, outcome: Outcome, attempt: Attempt, answered: boolean, nowMs: number): void {
    const policy = this.#policy;
    if (policy === undefined) return;
    const sign = this.#evidence.signOf(outcome, attempt, answered, nowMs);
    if (this.#columns.ejected[slot] === 1) {
      // What an ejected endpoint still has in hand was sent before the verdict.
      if (!this.#ejections.isTrial(slot, attempt.pickedMs)) return;
      if (sign === "none") this.#ejections.trialLost(slot, policy);
      else if (sign === "good" || sign === "alive") this.#acquit(slot, attempt, policy, nowMs);
      else this.#keep(slot, outcome, policy, nowMs);
      return;
    }
    this.#evidence.ended(slot, outcome, sign, attempt, policy.splitLocalOrigin, nowMs);
    if (sign !== "external" && sign !== "local") return;
    const reason = this.#rowOf(slot, policy);
    if (reason === undefined || this.#columns.state[slot] !== READY || this.#mostStumble()) return;
    this.#eject(slot, reason, paceOf(outcome), policy, nowMs);
  }

  /** An active check passed; `threshold` of them bring a trial forward. */
  checkPassed(slot: number, threshold: number, nowMs: number): void {
    if (this.#policy !== undefined) this.#ejections.checkPassed(slot, threshold, this.#policy, nowMs);
  }

  /** Active checks find the endpoint healthy again. */
  recovered(slot: number, nowMs: number): void {
    if (this.#policy !== undefined) this.#ejections.recovered(slot, this.#policy, nowMs);
  }

  /** Looks at the next slice, if it is time. */
  judge(nowMs: number): void {
    const policy = this.#policy;
    if (policy === undefined) return;
    if (nowMs >= this.#nextSweepMs) this.#beginSweep(policy, nowMs);
    if (this.#sweep !== "resting") this.#advance(policy, nowMs, SLICE);
  }

  #beginSweep(policy: OutlierPolicy, nowMs: number): void {
    // A sweep that nobody found time for is finished first: its buckets are needed.
    while (this.#sweep !== "resting") this.#advance(policy, nowMs, SLICE);
    this.#nextSweepMs = nowMs + policy.intervalMs;
    if (this.#mostStumble()) {
      const sinceMs = nowMs - policy.intervalMs;
      this.#bringBack((ejection) => ejection.sinceMs >= sinceMs && isRow(ejection.reason), policy, nowMs);
    }
    this.#ejections.forgive(policy.intervalMs, nowMs);
    this.#evidence.turn();
    this.#peers.begin();
    this.#suspects = [];
    this.#cursor = 0;
    this.#sweep = "gathering";
  }

  #advance(policy: OutlierPolicy, nowMs: number, slots: number): void {
    const { bound } = this.#roster;
    let left = slots;
    if (this.#sweep === "gathering") {
      for (; left > 0 && this.#cursor < bound; left--, this.#cursor++) {
        this.#evidence.settleIn(this.#cursor);
        this.#peers.gather(this.#cursor, policy);
      }
      if (this.#cursor < bound) return;
      this.#peers.conclude(policy);
      this.#cursor = 0;
      this.#sweep = "judging";
    }
    for (; left > 0 && this.#cursor < bound; left--, this.#cursor++) {
      this.#evidence.settleIn(this.#cursor);
      const suspect = this.#peers.judge(this.#cursor, policy);
      if (suspect !== undefined) this.#suspects.push(suspect);
      this.#evidence.forget(this.#cursor);
    }
    if (this.#cursor < bound) return;
    this.#sweep = "resting";
    if (this.#suspects.length > 0) this.#ejectWorst(policy, nowMs);
  }

  #ejectWorst(policy: OutlierPolicy, nowMs: number): void {
    const suspects = this.#suspects.toSorted((a, b) => b.badness - a.badness || a.slot - b.slot);
    this.#suspects = [];
    if (this.#peers.mostFail(suspects)) return;
    for (const { slot, reason } of suspects) {
      if (this.#columns.state[slot] === READY) this.#eject(slot, reason, "ill", policy, nowMs);
    }
  }

  #eject(slot: number, reason: EjectionReason, pace: Pace, policy: OutlierPolicy, nowMs: number): void {
    const ejection = this.#ejections.tryEject(slot, reason, pace, policy, nowMs);
    if (ejection !== undefined) this.#listener.ejected(ejection, nowMs);
  }

  /** The trial failed. */
  #keep(slot: number, { kind, totalMs }: Outcome, policy: OutlierPolicy, nowMs: number): void {
    const unreachable = paceOf({ kind }) === "unreachable";
    const costMs = kind === "connect-failure" ? totalMs : Number.NaN;
    const pace = unreachable ? "unreachable" : undefined;
    this.#listener.kept(this.#ejections.trialFailed(slot, pace, costMs, policy, nowMs), nowMs);
  }

  /** The trial was answered. */
  #acquit(slot: number, { pickedMs }: Attempt, policy: OutlierPolicy, nowMs: number): void {
    if (!this.#ejections.isTrial(slot, pickedMs)) return;
    this.#bringBack((ejection) => ejection.slot === slot, policy, nowMs);
  }

  #bringBack(isDue: (ejection: Ejection) => boolean, policy: OutlierPolicy, nowMs: number): void {
    this.#ejections.bringBack(isDue, policy, nowMs, (ejection) => {
      this.#evidence.absolve(ejection.slot);
      // Slow start is the caution now; what scorers remember would keep them from seeing what comes.
      unlearnFailures(this.#columns, ejection.slot, 0);
      this.#listener.returned(ejection, nowMs);
    });
  }

  /** Which row of failures the slot has completed. */
  #rowOf(slot: number, policy: OutlierPolicy): EjectionReason | undefined {
    const { errors, gatewayErrors, localFailures } = this.#evidence;
    if (reached(errors[slot], policy.consecutiveErrors)) return "consecutive-errors";
    if (reached(gatewayErrors[slot], policy.consecutiveGatewayErrors)) return "consecutive-gateway-errors";
    return reached(localFailures[slot], policy.consecutiveLocalOriginFailures)
      ? "consecutive-local-origin-failures"
      : undefined;
  }

  #mostStumble(): boolean {
    return this.#evidence.stumbling * 2 > this.#roster.present;
  }
}

/** At which pace one goes whose row of failures this end completes. */
function paceOf({ kind }: Pick<Outcome, "kind">): Pace {
  return isCut(kind) ? "unreachable" : "ill";
}

function isRow(reason: EjectionReason): boolean {
  return reason.startsWith("consecutive");
}

function reached(count: number | undefined, threshold: number): boolean {
  return threshold > 0 && count !== undefined && count >= threshold;
}
