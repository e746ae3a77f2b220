/** The budget: its floor, its ratio, its memory of ten seconds, and its bound under any load. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RetryBudget } from "./budget.ts";

function withdrawAll(budget: RetryBudget, nowMs: number): number {
  let count = 0;
  while (budget.tryWithdraw(nowMs)) count++;
  return count;
}

test("without traffic: ten per second over ten seconds, then nothing until they expire", () => {
  const budget = new RetryBudget();
  assert.equal(budget.available(500), 100);
  assert.equal(withdrawAll(budget, 500), 100);
  assert.equal(budget.available(500), 0);
  assert.equal(withdrawAll(budget, 9_999), 0);
  assert.equal(withdrawAll(budget, 10_000), 100);
});

test("with traffic: a fifth of the requests of the last ten seconds on top", () => {
  const budget = new RetryBudget();
  for (let i = 0; i < 1000; i++) budget.deposit(i);
  assert.equal(budget.available(1_000), 300);
  assert.equal(budget.available(9_999), 300);
  assert.equal(budget.available(10_000), 100, "deposits expire");
});

test("ratio and floor can be set; a ratio alone needs five requests for a retry", () => {
  const budget = new RetryBudget({ ratio: 0.2, floorPerSec: 0 });
  for (let i = 0; i < 4; i++) budget.deposit(0);
  assert.equal(budget.tryWithdraw(0), false);
  budget.deposit(0);
  assert.equal(budget.tryWithdraw(0), true);
  assert.equal(budget.tryWithdraw(0), false);
});

test("a long silence and a clock that steps back do no harm", () => {
  const budget = new RetryBudget();
  budget.deposit(5_000);
  assert.equal(withdrawAll(budget, 1e9), 100);
  assert.equal(budget.tryWithdraw(0), false, "the past grants nothing");
  assert.equal(budget.available(1e9 + 60_000), 100);
});

test("when everything fails, retries stay below a fifth of requests and the floor, in any ten seconds", () => {
  const budget = new RetryBudget();
  const retriesAtMs: number[] = [];
  for (let i = 0; i < 60_000; i++) {
    budget.deposit(i);
    for (let attempt = 0; attempt < 2; attempt++) if (budget.tryWithdraw(i)) retriesAtMs.push(i);
  }
  for (let fromMs = 0; fromMs <= 50_000; fromMs += 1000) {
    const count = retriesAtMs.filter((at) => at >= fromMs && at < fromMs + 10_000).length;
    // 10,000 requests in the window; one window of a second may straddle its edge.
    assert.ok(count <= 2_100 + 200, `${count} from ${fromMs}`);
  }
  assert.ok(retriesAtMs.length > 0.15 * 60_000, "and the budget is used");
});

test("the balance is that of a plain list of entries", () => {
  const step = fc.record({ gapMs: fc.nat(3000), deposits: fc.nat(30), withdrawals: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const budget = new RetryBudget({ floorPerSec: 1 });
      let entries: { readonly window: number; readonly amount: number }[] = [];
      let nowMs = 0;
      const balance = (): number => entries.reduce((sum, each) => sum + each.amount, 10_000);
      for (const each of steps) {
        nowMs += each.gapMs;
        const window = Math.floor(nowMs / 1000);
        entries = entries.filter((entry) => entry.window > window - 10);
        for (let i = 0; i < each.deposits; i++) {
          budget.deposit(nowMs);
          entries.push({ window, amount: 200 });
        }
        for (let i = 0; i < each.withdrawals; i++) {
          const granted = balance() >= 1000;
          assert.equal(budget.tryWithdraw(nowMs), granted);
          if (granted) entries.push({ window, amount: -1000 });
        }
        assert.equal(budget.available(nowMs), Math.max(0, Math.floor(balance() / 1000)));
      }
    }),
    { seed: 51, numRuns: 200 },
  );
});
