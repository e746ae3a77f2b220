/** An endpoint that is well again is not condemned for what was before: rows, statistics, latency. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench } from "./outlier-bench.test.ts";

test("requests held since before it was well fail without making a row", () => {
  const bench = new Bench(10);
  bench.nowMs = 30_000;
  for (let i = 0; i < 20; i++) {
    bench.end(0, "success", 3);
    bench.end(0, "timeout", 10, 29_000, 0, 29_000);
  }
  assert.deepEqual(bench.log, []);
  bench.end(0, "timeout", 5, 1, 0);
  assert.deepEqual(bench.log, ["-0 consecutive-errors"], "those that left since do");
});

test("a lucky answer in a fault does not hide it", () => {
  const bench = new Bench(10);
  bench.nowMs = 30_000;
  bench.end(0, "success", 2);
  bench.end(0, "timeout", 5, 1_000, 0, 1_000);
  assert.deepEqual(bench.log, ["-0 consecutive-errors"]);
});

test("statistics: who failed most of the interval and answers well at its end stays", () => {
  for (const [good, goes] of [
    [3, false],
    [1, true],
  ] as const) {
    const bench = new Bench(10, { consecutiveErrors: 0 });
    bench.goodExcept([0]);
    // Nine of ten fail: two good ones in a row are a chance of one in a hundred.
    for (let i = 0; i < 20; i++) {
      bench.end(0, "server-error", 9);
      bench.end(0, "success");
    }
    bench.end(0, "server-error", 10);
    bench.end(0, "success", good);
    bench.sweep();
    assert.equal(bench.columns.ejected[0] === 1, goes, `${good}: ${bench.log.join()}`);
  }
});

test("latency: who was slow and is quick at the end of the interval stays; who is slow to its end goes", () => {
  for (const [quick, goes] of [
    [8, false],
    [2, true],
  ] as const) {
    const bench = new Bench(5);
    bench.goodExcept([]);
    bench.sweep();
    for (let slot = 1; slot < 5; slot++) bench.end(slot, "success", 60, 10);
    bench.end(0, "success", 60, 100);
    for (let slot = 1; slot < 5; slot++) bench.end(slot, "success", 200, 10);
    bench.end(0, "success", quick, 10);
    bench.sweep();
    assert.equal(bench.columns.ejected[0] === 1, goes, `${quick} quick ones: ${bench.log.join()}`);
  }
});
