/** Judged by statistics, at the end of an interval: success rate, failure percentage, latency. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_OUTLIER } from "../../model/policy.ts";
import { Bench } from "./outlier-bench.test.ts";

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
