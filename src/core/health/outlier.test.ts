/** Ejection on a roster of our own: who goes, who stays, for how long, and what the floor forbids. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, OutcomeKind } from "../../model/outcome.ts";
import { DEFAULT_OUTLIER, type OutlierPolicy } from "../../model/policy.ts";
import { createPrng } from "../../std/prng.ts";
import { createColumns, READY, type Columns } from "../signals/columns.ts";
import { Slots } from "../signals/slots.ts";
import type { Ejection, Roster } from "./ejections.ts";
import { OutlierDetector } from "./outlier.ts";

const SEED = 7;

/** A pool whose endpoints end attempts as told; counts like balance/eligible.ts. */
class Bench implements Roster {
  readonly columns: Columns = createColumns();
  readonly slots = new Slots(this.columns);
  readonly detector: OutlierDetector;
  readonly log: string[] = [];
  readonly ejections: Ejection[] = [];
  present = 0;
  well = 0;
  nowMs = 0;

  constructor(size: number, policy: Partial<OutlierPolicy> = {}) {
    this.detector = new OutlierDetector(this.columns, this, createPrng(SEED), {
      ejected: (ejection) => {
        this.log.push(`-${ejection.slot} ${ejection.reason}`);
        this.ejections.push(ejection);
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

  end(slot: number, kind: OutcomeKind, count = 1, latencyMs = 10, status = 500): void {
    for (let i = 0; i < count; i++) {
      if (kind === "success") {
        this.columns.latencySampleMs[slot] = latencyMs;
        this.detector.answered(slot);
      }
      const outcome: Outcome = { kind, status, firstByteMs: latencyMs, totalMs: latencyMs };
      this.detector.ended(slot, outcome, this.nowMs);
    }
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

test("the fifth failure in a row ejects at once, the fourth does not, and a success begins anew", () => {
  const bench = new Bench(10);
  bench.end(3, "server-error", 4);
  bench.end(3, "success");
  bench.end(3, "server-error", 4);
  assert.deepEqual(bench.log, []);
  bench.end(3, "timeout");
  assert.deepEqual(bench.log, ["-3 consecutive-errors"]);
  assert.equal(bench.columns.ejected[3], 1);
  assert.equal(bench.well, 9);
});

test("429 is load: it is never held against an endpoint, and it ends a row of failures", () => {
  const bench = new Bench(10);
  bench.end(0, "overloaded", 1000, 1, 429);
  bench.goodExcept([0]);
  bench.sweep();
  assert.deepEqual(bench.log, []);
  for (let i = 0; i < 100; i++) {
    bench.end(0, "connect-failure", 4);
    bench.end(0, "overloaded", 1, 1, 429);
  }
  assert.deepEqual(bench.log, []);
});

test("what the client broke off says nothing", () => {
  const bench = new Bench(4);
  bench.end(1, "cancelled", 1000);
  bench.sweep();
  assert.deepEqual(bench.log, []);
});

test("one of two may go, and with it the row of the other counts for nothing", () => {
  const bench = new Bench(2);
  bench.end(0, "connect-failure", 5);
  assert.deepEqual(bench.log, ["-0 consecutive-errors"]);
  bench.end(1, "connect-failure", 100);
  assert.equal(bench.well, 1, "the last one stays");
  bench.sweep();
  assert.equal(bench.well, 2, "what both do is neither's fault");
  const alone = new Bench(1);
  alone.end(0, "connect-failure", 100);
  assert.deepEqual(alone.log, []);
});

test("at most ten percent, but always one, and never below half of the pool well", () => {
  const bench = new Bench(30);
  for (const slot of [0, 1, 2, 3, 4]) bench.end(slot, "server-error", 5);
  assert.equal(bench.log.length, 3);
  const unhealthy = new Bench(10, { maxEjectionPercent: 100 });
  for (const slot of [0, 1, 2]) {
    unhealthy.columns.healthy[slot] = 0;
    unhealthy.well--;
  }
  for (const slot of [3, 4, 5]) unhealthy.end(slot, "server-error", 5);
  assert.equal(unhealthy.well, 5, "7 were well; half of ten must stay");
});

test("when most of the pool fails, nobody is ejected", () => {
  const bench = new Bench(20, { maxEjectionPercent: 100 });
  // Requests are spread over the pool: the rows grow together.
  for (let round = 0; round < 50; round++) {
    for (let slot = 0; slot < 20; slot++) if (slot < 15) bench.end(slot, "server-error");
    for (let slot = 15; slot < 20; slot++) bench.end(slot, "success");
  }
  bench.sweep();
  assert.deepEqual(bench.log, []);
});

test("whoever went first in a failure that became everyone's comes back at the next sweep", () => {
  const bench = new Bench(10, { maxEjectionPercent: 30 });
  bench.end(0, "server-error", 5);
  for (let slot = 1; slot < 10; slot++) bench.end(slot, "server-error", 5);
  assert.ok(bench.log.length >= 1);
  bench.sweep();
  assert.equal(bench.well, 10);
});

test("the ejection lasts base times count, at most the maximum, with a tenth of jitter, and is forgiven by intervals", () => {
  const bench = new Bench(10, { baseEjectionMs: 30_000, maxEjectionMs: 70_000 });
  const lengths: number[] = [];
  for (let round = 0; round < 4; round++) {
    bench.end(2, "server-error", 5);
    const { sinceMs, untilMs } = bench.ejections.at(-1)!;
    lengths.push(untilMs - sinceMs);
    bench.nowMs = untilMs;
    // Back at once, not first after the sweep.
    bench.detector.judge(bench.nowMs);
    assert.equal(bench.columns.ejected[2], 0);
  }
  for (const [index, least] of [30_000, 60_000, 70_000, 70_000].entries()) {
    assert.ok(lengths[index]! >= least && lengths[index]! <= least * 1.1, `${lengths[index]}`);
  }
  assert.equal(bench.ejections.at(-1)!.count, 4);
  for (let i = 0; i < 3; i++) bench.sweep();
  bench.end(2, "server-error", 5);
  assert.equal(bench.ejections.at(-1)!.count, 2, "three intervals in the pool took three off");
});

test("success rate: one of many that fails a third of the time goes; a fault of fewer than five points does not", () => {
  const bench = new Bench(10);
  bench.goodExcept([4], 200);
  for (let i = 0; i < 67; i++) {
    bench.end(4, "success", 2);
    bench.end(4, "server-error");
  }
  bench.sweep();
  assert.deepEqual(bench.log, ["-4 success-rate"]);
  const even = new Bench(100);
  for (let slot = 0; slot < 100; slot++) {
    for (let i = 0; i < 25; i++) {
      bench.end(slot, "success", 39);
      even.end(slot, "success", 39);
      if (slot === 50) even.end(slot, "server-error");
    }
  }
  even.sweep();
  assert.deepEqual(even.log, [], "97.5 % among peers without a fault is chance or close to it");
});

test("the blind spot: three of ten that always fail are seen by percentage where success rate sees none", () => {
  const dead = [1, 2, 3];
  const rows = { consecutiveErrors: 0 };
  const off = { ...DEFAULT_OUTLIER.failurePercentage, threshold: 0 };
  const blind = new Bench(10, { ...rows, maxEjectionPercent: 50, failurePercentage: off });
  const seeing = new Bench(10, { ...rows, maxEjectionPercent: 50 });
  for (const bench of [blind, seeing]) {
    bench.goodExcept(dead);
    for (const slot of dead) bench.end(slot, "server-error", 100);
    bench.sweep();
  }
  assert.deepEqual(blind.log, []);
  assert.deepEqual(
    seeing.log,
    dead.map((slot) => `-${slot} failure-percentage`),
  );
});

test("under the floor the worst goes first", () => {
  const bench = new Bench(10, { consecutiveErrors: 0 });
  bench.goodExcept([2, 7]);
  bench.end(2, "success", 10);
  bench.end(2, "server-error", 90);
  bench.end(7, "server-error", 100);
  bench.sweep();
  assert.deepEqual(bench.log, ["-7 success-rate"]);
});

test("latency: six times the peers' median goes, four times does not, nor do a few milliseconds", () => {
  for (const [slowMs, normalMs, goes] of [
    [60, 10, true],
    [40, 10, false],
    [4, 0.5, false],
  ] as const) {
    const bench = new Bench(5);
    for (let slot = 0; slot < 4; slot++) bench.end(slot, "success", 60, normalMs);
    bench.end(4, "success", 60, slowMs);
    bench.sweep();
    assert.deepEqual(bench.log, goes ? ["-4 latency"] : [], `${slowMs} of ${normalMs}`);
  }
});

test("too few attempts or too few peers prove nothing", () => {
  const few = new Bench(10, { consecutiveErrors: 0 });
  few.goodExcept([0]);
  few.end(0, "server-error", 49);
  few.sweep();
  const pair = new Bench(2, { consecutiveErrors: 0 });
  pair.end(0, "success", 200);
  pair.end(1, "server-error", 200);
  pair.sweep();
  assert.deepEqual([...few.log, ...pair.log], []);
});

test("a passing check ends the first ejection, and not the second", () => {
  const bench = new Bench(10);
  bench.end(5, "server-error", 5);
  bench.detector.checkPassed(4, 10);
  assert.equal(bench.columns.ejected[5], 1);
  bench.detector.checkPassed(5, 10);
  assert.equal(bench.columns.ejected[5], 0);
  bench.end(5, "server-error", 5);
  bench.detector.checkPassed(5, 20);
  assert.equal(bench.columns.ejected[5], 1, "it vouched for this one before");
});

test("split: failures to connect and responses of 5xx have rows of their own", () => {
  const policy = { splitLocalOrigin: true, consecutiveErrors: 5, consecutiveLocalOriginFailures: 3 };
  const bench = new Bench(10, policy);
  bench.end(0, "server-error", 4);
  bench.end(0, "connect-failure", 2);
  assert.deepEqual(bench.log, []);
  bench.end(0, "connect-failure");
  assert.deepEqual(bench.log, ["-0 consecutive-local-origin-failures"]);
});

test("gateway errors: a row of 503 counts, a 500 in between ends it", () => {
  const bench = new Bench(10, { consecutiveErrors: 0, consecutiveGatewayErrors: 3 });
  bench.end(0, "server-error", 2, 1, 503);
  bench.end(0, "server-error", 1, 1, 500);
  bench.end(0, "server-error", 2, 1, 502);
  assert.deepEqual(bench.log, []);
  bench.end(0, "server-error", 1, 1, 504);
  assert.deepEqual(bench.log, ["-0 consecutive-gateway-errors"]);
});

test("a newcomer in the slot of one who left starts with a clean record", () => {
  const bench = new Bench(10);
  bench.end(6, "server-error", 4);
  bench.slots.release(6);
  assert.equal(bench.slots.take(READY, 5), 6);
  bench.end(6, "server-error", 4);
  assert.deepEqual(bench.log, []);
  bench.end(6, "server-error");
  bench.slots.release(6);
  bench.well++;
  bench.slots.take(READY, 5);
  bench.end(0, "server-error", 5);
  bench.sweep();
  bench.end(1, "server-error", 5);
  assert.equal(bench.columns.ejected[6], 0);
});

test("turning it off brings everybody back", () => {
  const bench = new Bench(10);
  bench.end(1, "server-error", 5);
  bench.detector.adopt(undefined, 5);
  assert.deepEqual(bench.log, ["-1 consecutive-errors", "+1"]);
  bench.end(1, "server-error", 50);
  assert.equal(bench.well, 10);
});

test("a sweep over 5,000 goes in slices and finds the same one", () => {
  const bench = new Bench(5000);
  bench.goodExcept([4999], 60);
  bench.end(4999, "success", 60, 400);
  bench.nowMs = 10_000;
  let calls = 0;
  for (; calls === 0 || bench.detector.dueMs < bench.nowMs; calls++) bench.detector.judge(bench.nowMs);
  assert.ok(calls >= 19 && calls <= 21, `${calls} calls`);
  assert.deepEqual(bench.log, ["-4999 latency"]);
});
