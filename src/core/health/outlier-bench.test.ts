/**
 * A pool for the tests of ejection: endpoints end attempts as told, the roster counts as balance/eligible.ts does. The one test
 * here holds it to account.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, OutcomeKind } from "../../model/outcome.ts";
import { DEFAULT_OUTLIER, type OutlierPolicy } from "../../model/policy.ts";
import { createPrng } from "../../std/prng.ts";
import { createColumns, READY, type Columns } from "../signals/columns.ts";
import { observeLatency } from "../signals/peak-ewma.ts";
import { Slots } from "../signals/slots.ts";
import type { Ejection, Roster } from "./ejections.ts";
import { OutlierDetector } from "./outlier.ts";

const SEED = 7;

export class Bench implements Roster {
  readonly columns: Columns = createColumns();
  readonly slots = new Slots(this.columns);
  readonly detector: OutlierDetector;
  readonly log: string[] = [];
  readonly ejections: Ejection[] = [];
  present = 0;
  well = 0;
  nowMs = 0;
  /** When the time of the latest one whose trial failed is over. */
  keptUntilMs = Number.NaN;

  constructor(size: number, policy: Partial<OutlierPolicy> = {}) {
    this.detector = new OutlierDetector(this.columns, this, createPrng(SEED), {
      ejected: (ejection) => {
        this.log.push(`-${ejection.slot} ${ejection.reason}`);
        this.ejections.push(ejection);
      },
      kept: ({ slot, untilMs }) => {
        this.log.push(`=${slot}`);
        this.keptUntilMs = untilMs;
      },
      returned: ({ slot }) => this.log.push(`+${slot}`),
    });
    for (let i = 0; i < size; i++) this.slots.take(READY, 0);
    this.present = size;
    this.well = size;
    this.detector.adopt({ ...DEFAULT_OUTLIER, ...policy }, 0);
  }

  get bound(): number {
    return this.slots.bound;
  }

  wellnessChanged(slot: number, before: number): void {
    this.well += (this.columns.ejected[slot] === 1 ? 0 : this.columns.healthy[slot]!) - before;
  }

  /** Attempts that left `agoMs` ago, if that is not now. */
  end(slot: number, kind: OutcomeKind, count = 1, latencyMs = 10, status = 500, agoMs = 0): void {
    const attempt = { pickedMs: this.nowMs - agoMs, sinceMs: this.nowMs - agoMs };
    for (let i = 0; i < count; i++) {
      if (kind === "success") {
        this.columns.latencySampleMs[slot] = latencyMs;
        observeLatency(this.columns, slot, this.nowMs);
        this.detector.answered(slot, attempt, this.nowMs);
      }
      const answered = kind === "success" || kind === "server-error";
      const outcome: Outcome = { kind, status, firstByteMs: latencyMs, totalMs: latencyMs };
      this.detector.ended(slot, outcome, attempt, answered, this.nowMs);
    }
  }

  /** Sends the trial that is due now, if one is. */
  try(): number {
    return this.nowMs >= this.detector.trialDue[0]! ? this.detector.takeTrial(() => true, this.nowMs) : -1;
  }

  /** Lets the interval end and the sweep finish. */
  sweep(): void {
    this.nowMs += 10_000;
    do this.detector.judge(this.nowMs);
    while (this.detector.dueMs < this.nowMs);
  }

  goodExcept(odd: readonly number[], attempts = 100): void {
    for (let slot = 0; slot < this.bound; slot++)
      if (!odd.includes(slot)) this.end(slot, "success", attempts);
  }
}

test("the roster follows ejections and returns", () => {
  const bench = new Bench(10);
  bench.end(0, "server-error", 5);
  assert.deepEqual([bench.present, bench.well, bench.columns.ejected[0]], [10, 9, 1]);
  bench.nowMs = 33_000;
  assert.equal(bench.try(), 0);
  bench.end(0, "success");
  assert.deepEqual([bench.present, bench.well, bench.columns.ejected[0]], [10, 10, 0]);
});
