/**
 * Ejections: who is out, why, until when, and whether one more may be.
 *
 * Length: the n-th ejection in a row lasts min(n * base, max), plus up to a tenth of it by chance, so that those
 * who went together do not return together. n counts up with each ejection and down with each interval that the endpoint
 * spends in the pool (Envoy's rule).
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

export interface Ejection {
  readonly slot: number;
  readonly generation: number;
  readonly reason: EjectionReason;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How many in a row, this one included. */
  readonly count: number;
}

/** The pool, as ejection sees it; balance/eligible.ts. */
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

/** What is remembered of a slot's endpoint beyond its ejection. */
interface Repute {
  generation: number;
  /** Ejections in a row. */
  count: number;
  returnedMs: number;
}

/** The share of the pool that must stay well; the panic threshold of balance/eligible.ts. */
const WELL_RATIO_MIN = 0.5;

const JITTER_RATIO = 0.1;

export class Ejections {
  readonly #columns: Columns;
  readonly #roster: Roster;
  readonly #prng: Prng;
  readonly #out = new Map<number, Ejection>();
  /** Absent: a clean record. */
  readonly #records = new Map<number, Repute>();
  #nextReturnMs = Number.POSITIVE_INFINITY;

  constructor(columns: Columns, roster: Roster, prng: Prng) {
    this.#columns = columns;
    this.#roster = roster;
    this.#prng = prng;
  }

  get nextReturnMs(): number {
    return this.#nextReturnMs;
  }

  of(slot: number): Ejection | undefined {
    const ejection = this.#out.get(slot);
    return ejection?.generation === this.#columns.generation[slot] ? ejection : undefined;
  }

  /** Undefined: the floor does not allow it. */
  tryEject(slot: number, reason: EjectionReason, policy: OutlierPolicy, nowMs: number): Ejection | undefined {
    if (this.#columns.ejected[slot] === 1 || !this.#mayEject(slot, policy)) return undefined;
    const generation = this.#columns.generation[slot]!;
    const known = this.#records.get(slot);
    const count = (known?.generation === generation ? known.count : 0) + 1;
    const lengthMs = Math.min(policy.baseEjectionMs * count, policy.maxEjectionMs);
    const untilMs = nowMs + lengthMs * (1 + JITTER_RATIO * this.#prng.float());
    const ejection: Ejection = { slot, generation, reason, sinceMs: nowMs, untilMs, count };
    this.#records.set(slot, { generation, count, returnedMs: untilMs });
    this.#out.set(slot, ejection);
    this.#turn(slot, 1, nowMs);
    this.#nextReturnMs = Math.min(this.#nextReturnMs, untilMs);
    return ejection;
  }

  /** Brings back everyone for whom `isDue` holds; `returned` is told of each. */
  bringBack(
    isDue: (ejection: Ejection) => boolean,
    nowMs: number,
    returned: (ejection: Ejection) => void,
  ): void {
    let next = Number.POSITIVE_INFINITY;
    for (const [slot, ejection] of this.#out) {
      if (ejection.generation !== this.#columns.generation[slot]) this.#out.delete(slot);
      else if (isDue(ejection)) {
        this.#out.delete(slot);
        this.#records.get(slot)!.returnedMs = nowMs;
        this.#turn(slot, 0, nowMs);
        returned(ejection);
      } else next = Math.min(next, ejection.untilMs);
    }
    this.#nextReturnMs = next;
  }

  /** An interval is over: whoever spent all of it in the pool comes one step closer to a clean record. */
  forgive(intervalMs: number, nowMs: number): void {
    const { generation } = this.#columns;
    for (const [slot, ejection] of this.#out) {
      if (ejection.generation !== generation[slot]) this.#out.delete(slot);
    }
    for (const [slot, repute] of this.#records) {
      const stayed = !this.#out.has(slot) && nowMs - repute.returnedMs >= intervalMs;
      if (stayed) repute.count--;
      if (repute.generation !== generation[slot] || repute.count <= 0) this.#records.delete(slot);
    }
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
}
