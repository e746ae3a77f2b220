/**
 * Slow start: an endpoint that joins a running pool, or returns to it, is brought up to its full share over a window.
 *
 *     ramp(t) = max(minRatio, (t / window) ^ (1 / aggression))
 *
 * Envoy's formula. A cold runtime compiles, fills its caches and opens its connections under the first requests; a
 * returner may not be as well as it seemed. When all are new at once (the process starts, the pool was empty) nobody ramps:
 * everyone would be scaled alike.
 *
 * The factor stands in the column `ramp`, 1 for whoever is past its window, so that reading it costs one load. The
 * few that ramp are in a map and written anew every STEP of the window.
 *
 * Policies meet it as part of an endpoint's weight: balance/weight.ts.
 *
 * Times in ms. Invariant: `ramp` is below 1 only for slots in the map.
 */
import type { SlowStartPolicy } from "../../model/policy.ts";
import type { Columns } from "../signals/columns.ts";

/** A sixty-fourth of the window: no step raises a share by more than 1.6 points. */
const STEPS = 64;

interface Ramping {
  readonly generation: number;
  readonly sinceMs: number;
}

export class SlowStart {
  readonly #columns: Columns;
  #policy: SlowStartPolicy | undefined = undefined;
  readonly #ramping = new Map<number, Ramping>();
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  adopt(policy: SlowStartPolicy | undefined, nowMs: number): void {
    this.#policy = policy;
    this.advance(nowMs);
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  /** The slot's endpoint has joined or returned. A ramp under way begins anew. */
  begin(slot: number, nowMs: number): void {
    const policy = this.#policy;
    if (policy === undefined) return;
    this.#ramping.set(slot, { generation: this.#columns.generation[slot]!, sinceMs: nowMs });
    this.#columns.ramp[slot] = rampAt(policy, 0);
    this.#dueMs = Math.min(this.#dueMs, nowMs + policy.windowMs / STEPS);
  }

  /** Brings the column up to date. */
  advance(nowMs: number): void {
    const policy = this.#policy;
    const columns = this.#columns;
    for (const [slot, { generation, sinceMs }] of this.#ramping) {
      const ratio = policy === undefined ? 1 : rampAt(policy, nowMs - sinceMs);
      const gone = columns.generation[slot] !== generation;
      if (!gone) columns.ramp[slot] = ratio;
      if (gone || ratio >= 1) this.#ramping.delete(slot);
    }
    const idle = policy === undefined || this.#ramping.size === 0;
    this.#dueMs = idle ? Number.POSITIVE_INFINITY : nowMs + policy.windowMs / STEPS;
  }
}

/** The share of a full load, `ageMs` after the start. */
export function rampAt(policy: SlowStartPolicy, ageMs: number): number {
  if (ageMs >= policy.windowMs) return 1;
  const progress = Math.max(0, ageMs) / policy.windowMs;
  return Math.max(policy.minRatio, progress ** (1 / policy.aggression));
}
