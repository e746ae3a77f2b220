/** Periods that follow movement, and a budget that holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "./budget.ts";
import type { Movement } from "./extractor.ts";
import { DEFAULT_RHYTHM, jittered, nextPeriodMs, retryMs } from "./rhythm.ts";

function periods(from: number, movement: Movement, count: number): number[] {
  const list: number[] = [];
  for (let period = from; list.length < count;) {
    period = nextPeriodMs(period, movement, DEFAULT_RHYTHM);
    list.push(period);
  }
  return list;
}

test("a target that wakes is followed closely within a few pages, and let go of slowly", () => {
  assert.deepEqual(periods(5_000, "moving", 5), [250, 125, 62.5, 50, 50]);
  assert.deepEqual(periods(250, "steady", 5), [312.5, 390.625, 488.281_25, 500, 500]);
  assert.deepEqual(periods(5_000, "steady", 1), [500]);
  assert.deepEqual(periods(500, "idle", 5), [1_000, 2_000, 4_000, 5_000, 5_000]);
});

test("failures are retried less and less, and never at the same moment", () => {
  assert.deepEqual([1, 2, 3, 6, 7, 1_000].map(retryMs), [250, 500, 1_000, 8_000, 10_000, 10_000]);
  assert.equal(jittered(100, 0), 90);
  assert.equal(jittered(100, 0.5), 100);
  assert.ok(jittered(100, 0.999_999) < 110);
});

test("over time no more is spent than the share, whatever a page costs", () => {
  for (const costMs of [0.1, 3, 40]) {
    const budget = new Budget(0.1, 5, 0);
    let spentMs = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs++) {
      if (budget.waitMs(nowMs) > 0) continue;
      budget.spend(costMs);
      spentMs += costMs;
    }
    // The share, what was saved up at first, and the page that goes over.
    assert.ok(spentMs <= 1_000 + 5 + costMs, `${costMs}: ${spentMs}`);
    assert.ok(spentMs >= 990, `${costMs}: ${spentMs}`);
  }
});

test("how long to wait is how long it takes", () => {
  const budget = new Budget(0.5, 5, 0);
  budget.spend(15);
  const waitMs = budget.waitMs(0);
  assert.ok(budget.waitMs(waitMs - 2) > 0);
  assert.equal(budget.waitMs(waitMs), 0);
});
