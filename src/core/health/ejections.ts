/**
 * Ejections: who is out, why, when it may prove itself, and whether one more may go.
 *
 * Nobody comes back because time has passed. When an ejection's time is over, one request is sent to the endpoint, the
 * trial (Finagle's probing, linkerd's too): if it is answered the endpoint returns, if it fails the ejection
 * goes on. So a dead endpoint costs one request where a return on time costs a row of them, and the time before it can be short.
 *
 * The n-th pause in a row, plus up to a tenth by chance so that those who went together do not return together:
 *
 *     unreachable:  min(1 s * 2^(n - 1), longest)
 *     ill:          min(n * base, max)                    (Envoy's rule)
 *
 * - Unreachable: it was condemned by a connection that could not be made or that broke. A process that restarts is
 *   back within seconds, and a request that found no connection goes elsewhere unharmed: hence a second at first, doubling as
 *   Finagle's 5 s to 300 s does. `longest` is the maximum, unless the trial found no connection: then
 *   UNREACHABLE_MAX_MS, or TRIAL_WORTH times what the trial took if that is more. Refused in a millisecond it is asked
 *   every 5 s; where packets vanish and the trial costs its request a second, every 100 s.
 * - Ill: it answers badly or not at all, and a trial may cost its client the answer.
 *
 * n counts up with each ejection and each failed trial while that lengthens the pause, and down with each interval that the
 * endpoint spends in the pool; each pace has its own.
 *
 * Active checks: `healthyThreshold` passes bring the trial forward. If it fails the pause goes on as it was, neither longer
 * nor shorter, and the checks' word counts no more until they have been down and up again: they do not see this fault.
 *
 * Capacity floor, so that ejection can never do more harm than the fault:
 * - at most maxEjectionPercent of the pool, but always one (Envoy's 10 % of nine is nobody; gRPC A50 ejects one);
 * - never the last that is well, and never so many that less than half of the pool is well: below that the
 *   panic rule would bring everybody back anyway.
 *
 * Times in ms. Invariant: `#out` holds exactly the slots whose column `ejected` this class set to 1.
 */
import type { OutlierPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import type { Columns } from "../signals/columns.ts";

/** Public: stands in reports, logs and metrics. */
export type EjectionReason =
  | "consecutive-errors"
  | "consecutive-gateway-errors"
  | "consecutive-local-origin-failures"
  | "success-rate"
  | "failure-percentage"
  | "latency";

/** How pauses grow; see the head. */
export type Pace = "unreachable" | "ill";

export interface Ejection {
  readonly slot: number;
  readonly generation: number;
  readonly reason: EjectionReason;
  readonly sinceMs: number;
  /** From then on the next request that may is its trial. */
  readonly untilMs: number;
  /** Which pause in a row this is. */
  readonly count: number;
}

/** The pool, as ejection sees it; balance/lanes.ts. */
export interface Roster {
  /** Every slot in use is below this. */
  readonly bound: number;
  /** Endpoints that could serve, whatever their health. */
  readonly present: number;
  /** Of those, neither unhealthy nor ejected. */
  readonly well: number;
  /** `ejected[slot]` was changed; `before`: 1 if the slot was well until then. */
  wellnessChanged(slot: number, before: number, nowMs: number): void;
}

interface Sentence {
  ejection: Ejection;
  pace: Pace;
  /** When the trial left; NaN: none is under way. */
  triedMs: number;
  /** Active checks passed since the ejection. */
  passes: number;
  /** They passed, and the trial failed. */
  checksAreBlind: boolean;
  /** Where the pause would have ended, had checks not brought the trial forward; NaN: they did not. */
  resumeMs: number;
}

/** What is remembered of a slot's endpoint beyond its ejection. */
interface Repute {
  generation: number;
  /** Pauses in a row. */
  readonly counts: Record<Pace, number>;
  returnedMs: number;
}

/** The share of the pool that must stay well; the panic threshold of balance/eligible.ts. */
const WELL_RATIO_MIN = 0.5;

const JITTER_RATIO = 0.1;

/** A process that crashed needs about that long to listen again, if it is quick. */
const UNREACHABLE_BASE_MS = 1_000;
/** A refused connection costs a millisecond of one request: one of five thousand of the time. */
export const UNREACHABLE_MAX_MS = 5_000;
/** Whatever a trial costs, the endpoint costs at most a hundredth of the time. */
const TRIAL_WORTH = 100;

export class Ejections {
  /** One cell: when a trial is next due. */
  readonly trialDue = new Float64Array([Number.POSITIVE_INFINITY]);
  readonly #columns: Columns;
  readonly #roster: Roster;
  readonly #prng: Prng;
  readonly #out = new Map<number, Sentence>();
  /** Absent: a clean record. */
  readonly #records = new Map<number, Repute>();

  constructor(columns: Columns, roster: Roster, prng: Prng) {
    this.#columns = columns;
    this.#roster = roster;
    this.#prng = prng;
  }

  /** Of endpoints that are still there. */
  get count(): number {
    let count = 0;
    for (const slot of this.#out.keys()) if (this.#sentenceOf(slot) !== undefined) count++;
    return count;
  }

  of(slot: number): Ejection | undefined {
    return this.#sentenceOf(slot)?.ejection;
  }

  /** Undefined: the floor does not allow it. */
  tryEject(
    slot: number,
    reason: EjectionReason,
    pace: Pace,
    policy: OutlierPolicy,
    nowMs: number,
  ): Ejection | undefined {
    if (this.#columns.ejected[slot] === 1 || !this.#mayEject(slot, policy)) return undefined;
    const { lengthMs, count } = this.#pause(slot, pace, policy.maxEjectionMs, policy);
    const generation = this.#columns.generation[slot]!;
    const ejection: Ejection = { slot, generation, reason, sinceMs: nowMs, untilMs: nowMs + lengthMs, count };
    this.#out.set(slot, {
      ejection,
      pace,
      triedMs: Number.NaN,
      passes: 0,
      checksAreBlind: false,
      resumeMs: Number.NaN,
    });
    this.#turn(slot, 1, nowMs);
    this.#setDue(policy);
    return ejection;
  }

  /**
   * Takes one whose time is over for a trial; below 0: there is none for which `may` holds now, and then nobody asks
   * again before the next LOOK_MS.
   */
  takeTrial(may: (slot: number) => boolean, policy: OutlierPolicy, nowMs: number): number {
    for (const [slot, sentence] of this.#out) {
      if (this.#sentenceOf(slot) === undefined || dueOf(sentence, policy) > nowMs || !may(slot)) continue;
      sentence.triedMs = nowMs;
      this.#setDue(policy);
      return slot;
    }
    this.#setDue(policy);
    this.trialDue[0] = Math.max(this.trialDue[0]!, nowMs + LOOK_MS);
    return -1;
  }

  /** Whether an attempt that left at this time is one that may decide. */
  isTrial(slot: number, pickedMs: number): boolean {
    const sentence = this.#sentenceOf(slot);
    return sentence !== undefined && pickedMs >= sentence.ejection.untilMs;
  }

  /** The trial ended and says nothing: the next request is another. */
  trialLost(slot: number, policy: OutlierPolicy): void {
    this.#sentenceOf(slot)!.triedMs = Number.NaN;
    this.#setDue(policy);
  }

  /** The trial failed. `pace`: undefined leaves it as it is. `costMs`: what it took to find no connection; NaN: it found one. */
  trialFailed(
    slot: number,
    pace: Pace | undefined,
    costMs: number,
    policy: OutlierPolicy,
    nowMs: number,
  ): Ejection {
    const sentence = this.#sentenceOf(slot)!;
    const { ejection } = sentence;
    sentence.triedMs = Number.NaN;
    if (sentence.resumeMs > nowMs) {
      sentence.checksAreBlind = true;
      sentence.ejection = { ...ejection, untilMs: sentence.resumeMs };
    } else {
      sentence.pace = pace ?? sentence.pace;
      const cheap = sentence.pace === "unreachable" && !Number.isNaN(costMs);
      const longestMs = cheap ? Math.max(UNREACHABLE_MAX_MS, TRIAL_WORTH * costMs) : policy.maxEjectionMs;
      const { lengthMs, count } = this.#pause(slot, sentence.pace, longestMs, policy);
      sentence.ejection = { ...ejection, untilMs: nowMs + lengthMs, count };
    }
    sentence.resumeMs = Number.NaN;
    this.#setDue(policy);
    return sentence.ejection;
  }

  /** An active check passed; `threshold`: passes that bring the trial forward. */
  checkPassed(slot: number, threshold: number, policy: OutlierPolicy, nowMs: number): void {
    const sentence = this.#sentenceOf(slot);
    if (sentence === undefined) return;
    sentence.passes++;
    if (sentence.passes >= threshold && !sentence.checksAreBlind) this.#bringForward(sentence, policy, nowMs);
  }

  /** Active checks had found the endpoint unhealthy, and find it healthy again. */
  recovered(slot: number, policy: OutlierPolicy, nowMs: number): void {
    const sentence = this.#sentenceOf(slot);
    if (sentence === undefined) return;
    sentence.checksAreBlind = false;
    this.#bringForward(sentence, policy, nowMs);
  }

  /** Brings back everyone for whom `isDue` holds; `returned` is told of each. */
  bringBack(
    isDue: (ejection: Ejection) => boolean,
    policy: OutlierPolicy,
    nowMs: number,
    returned: (ejection: Ejection) => void,
  ): void {
    for (const [slot, { ejection }] of this.#out) {
      if (ejection.generation !== this.#columns.generation[slot]) this.#out.delete(slot);
      else if (isDue(ejection)) {
        this.#out.delete(slot);
        this.#records.get(slot)!.returnedMs = nowMs;
        // First: pickers look at its ramp when it enters.
        returned(ejection);
        this.#turn(slot, 0, nowMs);
      }
    }
    this.#setDue(policy);
  }

  /** An interval is over: whoever spent all of it in the pool comes one step closer to a clean record. */
  forgive(intervalMs: number, nowMs: number): void {
    const { generation } = this.#columns;
    for (const [slot, { ejection }] of this.#out) {
      if (ejection.generation !== generation[slot]) this.#out.delete(slot);
    }
    for (const [slot, { generation: known, counts, returnedMs }] of this.#records) {
      if (!this.#out.has(slot) && nowMs - returnedMs >= intervalMs) {
        counts.ill = Math.max(0, counts.ill - 1);
        counts.unreachable = Math.max(0, counts.unreachable - 1);
      }
      if (known !== generation[slot] || counts.ill + counts.unreachable === 0) this.#records.delete(slot);
    }
  }

  #bringForward(sentence: Sentence, policy: OutlierPolicy, nowMs: number): void {
    const { ejection } = sentence;
    if (!Number.isNaN(sentence.triedMs) || ejection.untilMs <= nowMs) return;
    sentence.resumeMs = ejection.untilMs;
    sentence.ejection = { ...ejection, untilMs: nowMs };
    this.#setDue(policy);
  }

  /** The next pause of the endpoint at this pace, entered in its record. A count that no longer lengthens it stands still. */
  #pause(
    slot: number,
    pace: Pace,
    longestMs: number,
    policy: OutlierPolicy,
  ): { lengthMs: number; count: number } {
    const generation = this.#columns.generation[slot]!;
    let repute = this.#records.get(slot);
    if (repute?.generation !== generation) {
      repute = { generation, counts: { unreachable: 0, ill: 0 }, returnedMs: Number.NEGATIVE_INFINITY };
      this.#records.set(slot, repute);
    }
    const mostMs = Math.min(longestMs, policy.maxEjectionMs);
    const plainMs = plainLengthMs(pace, repute.counts[pace], policy);
    if (plainMs < mostMs) repute.counts[pace]++;
    const count = repute.counts[pace];
    const lengthMs = Math.min(plainLengthMs(pace, count, policy), mostMs);
    return { lengthMs: lengthMs * (1 + JITTER_RATIO * this.#prng.float()), count };
  }

  #sentenceOf(slot: number): Sentence | undefined {
    const sentence = this.#out.get(slot);
    return sentence?.ejection.generation === this.#columns.generation[slot] ? sentence : undefined;
  }

  #mayEject(slot: number, policy: OutlierPolicy): boolean {
    const { present, well } = this.#roster;
    const wellAfter = well - this.#columns.healthy[slot]!;
    if (wellAfter < 1 || wellAfter < present * WELL_RATIO_MIN) return false;
    const most = Math.max(1, Math.floor((present * policy.maxEjectionPercent) / 100));
    return this.#out.size < most;
  }

  #turn(slot: number, ejected: 0 | 1, nowMs: number): void {
    const before = this.#columns.ejected[slot] === 1 ? 0 : this.#columns.healthy[slot]!;
    this.#columns.ejected[slot] = ejected;
    this.#roster.wellnessChanged(slot, before, nowMs);
  }

  #setDue(policy: OutlierPolicy): void {
    let due = Number.POSITIVE_INFINITY;
    for (const sentence of this.#out.values()) due = Math.min(due, dueOf(sentence, policy));
    this.trialDue[0] = due;
  }
}

/** An endpoint that may not be tried now (its checks fail, say) is not looked at with every pick. */
const LOOK_MS = 50;

/** A trial that has not ended after a base ejection says nothing, but must not keep the endpoint out for ever. */
function dueOf({ ejection, triedMs }: Sentence, policy: OutlierPolicy): number {
  return Number.isNaN(triedMs) ? ejection.untilMs : triedMs + policy.baseEjectionMs;
}

function plainLengthMs(pace: Pace, count: number, { baseEjectionMs }: OutlierPolicy): number {
  if (count === 0) return 0;
  switch (pace) {
    case "ill":
      return baseEjectionMs * count;
    case "unreachable":
      return Math.min(UNREACHABLE_BASE_MS, baseEjectionMs) * 2 ** (count - 1);
  }
}
