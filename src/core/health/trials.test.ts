/** How who is out comes back: the trial, its pace, and what active checks have to do with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutcomeKind } from "../../model/outcome.ts";
import { UNREACHABLE_MAX_MS } from "./ejections.ts";
import { Bench } from "./outlier-bench.test.ts";

/** Ejects slot 0 by a row of this, and lets so many trials fail. The pauses, in ms. */
function pauses(bench: Bench, kind: OutcomeKind, trials: number, tookMs = 1): readonly number[] {
  bench.end(0, kind, 5, tookMs);
  const { sinceMs, untilMs } = bench.ejections.at(-1)!;
  const lengths = [untilMs - sinceMs];
  let dueMs = untilMs;
  for (let i = 0; i < trials; i++) {
    bench.nowMs = dueMs - 0.01;
    assert.equal(bench.try(), -1, "too early");
    bench.nowMs = dueMs;
    assert.equal(bench.try(), 0);
    assert.equal(bench.try(), -1, "one at a time");
    bench.end(0, kind, 1, tookMs);
    dueMs = bench.keptUntilMs;
    lengths.push(dueMs - bench.nowMs);
  }
  return lengths;
}

function assertPauses(actual: readonly number[], least: readonly number[]): void {
  assert.equal(actual.length, least.length);
  for (const [index, leastMs] of least.entries()) {
    const lengthMs = actual[index]!;
    assert.ok(lengthMs >= leastMs - 1e-6 && lengthMs <= leastMs * 1.1, `${index}: ${lengthMs} of ${leastMs}`);
  }
}

test("ill: the n-th pause lasts n times the base, at most the maximum, and a tenth of jitter", () => {
  const bench = new Bench(10, { baseEjectionMs: 30_000, maxEjectionMs: 70_000 });
  assertPauses(pauses(bench, "server-error", 4), [30_000, 60_000, 70_000, 70_000, 70_000]);
  assert.deepEqual(bench.log, ["-0 consecutive-errors", "=0", "=0", "=0", "=0"]);
});

test("unreachable: from a second on it doubles, and a trial that is refused at once is repeated every five", () => {
  assertPauses(pauses(new Bench(10), "connect-failure", 5), [1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  assert.equal(UNREACHABLE_MAX_MS, 5_000);
});

test("unreachable: a trial that costs its request two seconds is worth two hundred", () => {
  const expected = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 200_000, 200_000];
  assertPauses(pauses(new Bench(10), "connect-failure", 9, 2_000), expected);
});

test("unreachable: a connection that breaks each time may cost answers, so it doubles up to the maximum", () => {
  const expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1_000);
  assertPauses(pauses(new Bench(10), "broken", 10), expected);
});

test("a base below a second, or a maximum, holds for the unreachable too", () => {
  const policy = { baseEjectionMs: 200, maxEjectionMs: 500 };
  assertPauses(pauses(new Bench(10, policy), "connect-failure", 3), [200, 400, 500, 500]);
});

test("the trial that is answered brings it back with a clean sheet, and 429 is an answer", () => {
  for (const kind of ["success", "overloaded"] as const) {
    const bench = new Bench(10);
    bench.goodExcept([0]);
    bench.end(0, "connect-failure", 100);
    bench.nowMs = 1_100;
    assert.equal(bench.try(), 0);
    bench.end(0, kind, 1, 10, 429);
    assert.deepEqual(bench.log, ["-0 consecutive-errors", "+0"]);
    assert.equal(bench.columns.errorRatio[0], 0);
    bench.end(0, "connect-failure", 4);
    bench.sweep();
    assert.equal(bench.well, 10, "nothing from before counts: not the row, not the interval");
  }
});

test("a good first byte is enough: a stream may never end", () => {
  const bench = new Bench(10);
  bench.end(0, "timeout", 5);
  bench.nowMs = 33_000;
  assert.equal(bench.try(), 0);
  bench.detector.answered(0, { pickedMs: 33_000, sinceMs: 33_000 }, 33_010);
  assert.deepEqual(bench.log.at(-1), "+0");
});

test("what left before its time was over decides nothing", () => {
  const bench = new Bench(10);
  bench.end(0, "connect-failure", 5);
  bench.nowMs = 500;
  bench.end(0, "success", 3);
  bench.end(0, "connect-failure", 3);
  bench.nowMs = 1_100;
  bench.end(0, "success", 1, 900, 200, 900);
  assert.deepEqual(bench.log, ["-0 consecutive-errors"]);
});

test("a trial whose client leaves says nothing, and the next request is another", () => {
  const bench = new Bench(10);
  bench.end(0, "connect-failure", 5);
  bench.nowMs = 1_100;
  assert.equal(bench.try(), 0);
  bench.end(0, "cancelled", 1, 1);
  assert.equal(bench.try(), 0);
  bench.end(0, "success");
  assert.equal(bench.well, 10);
});

test("a trial that hangs does not keep the endpoint out for ever", () => {
  const bench = new Bench(10);
  bench.end(0, "connect-failure", 5);
  bench.nowMs = 1_100;
  assert.equal(bench.try(), 0);
  bench.nowMs = 31_000;
  assert.equal(bench.try(), -1);
  bench.nowMs = 31_101;
  assert.equal(bench.try(), 0);
});

test("who may not be tried now is not asked for with every pick, and is when it may", () => {
  const bench = new Bench(10);
  bench.end(0, "connect-failure", 5);
  bench.nowMs = 1_100;
  let asked = 0;
  const never = (): boolean => {
    asked++;
    return false;
  };
  for (let i = 0; i < 1_000; i++) {
    bench.nowMs += 0.1;
    if (bench.nowMs >= bench.detector.trialDue[0]!)
      assert.equal(bench.detector.takeTrial(never, bench.nowMs), -1);
  }
  assert.ok(asked >= 2 && asked <= 3, `${asked} looks in 100 ms`);
  bench.nowMs += 50;
  assert.equal(bench.try(), 0);
});

test("pauses in a row are forgiven one by one, by intervals in the pool", () => {
  const bench = new Bench(10);
  pauses(bench, "server-error", 3);
  bench.nowMs = bench.keptUntilMs;
  assert.equal(bench.try(), 0);
  bench.end(0, "success");
  // The first interval is not spent in the pool whole.
  for (let i = 0; i < 3; i++) bench.sweep();
  bench.end(0, "server-error", 5);
  assert.equal(bench.ejections.at(-1)!.count, 2, "three of four were taken off");
});

test("checks that pass bring the trial forward; if it fails, the pause is neither longer nor shorter for it", () => {
  const bench = new Bench(10);
  bench.end(5, "server-error", 5);
  const { untilMs, count } = bench.ejections[0]!;
  bench.detector.checkPassed(4, 2, 10);
  bench.detector.checkPassed(5, 2, 10);
  bench.nowMs = 20;
  assert.equal(bench.try(), -1, "one pass is below the threshold");
  bench.detector.checkPassed(5, 2, 20);
  assert.equal(bench.try(), 5);
  bench.end(5, "server-error");
  assert.deepEqual([bench.keptUntilMs, bench.detector.ejectionOf(5)!.count], [untilMs, count]);
  for (let i = 0; i < 10; i++) bench.detector.checkPassed(5, 2, 30);
  bench.nowMs = 30;
  assert.equal(bench.try(), -1, "they do not see this fault");
  bench.detector.recovered(5, 40);
  bench.nowMs = 40;
  assert.equal(bench.try(), 5, "they have seen one and its end");
  bench.end(5, "success");
  assert.equal(bench.columns.ejected[5], 0);
});
