/** The histogram against exact quantiles of the same samples, and what it forgets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng } from "../../std/prng.ts";
import { Histogram, quantileOfBoth, RecentHistogram } from "./histogram.ts";

const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

/** By the nearest rank, as the histogram means it. */
function exact(sorted: readonly number[], q: number): number {
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
}

test("quantiles are within 1.6 % of the exact ones, whatever the distribution", () => {
  const prng = createPrng(5);
  const shapes: readonly ((u: number) => number)[] = [
    (u) => 0.01 + u,
    (u) => -Math.log(1 - u) * 40 + 0.01,
    (u) => (u < 0.97 ? 2 + u : 4000 + 100 * u),
    (u) => 1 / (1 - u) ** 1.5,
    () => 17,
  ];
  for (const shape of shapes) {
    const histogram = new Histogram();
    const samples = Array.from({ length: 5000 }, () => shape(prng.float()));
    for (const sample of samples) histogram.record(sample);
    samples.sort((a, b) => a - b);
    for (const q of QUANTILES) {
      const want = exact(samples, q);
      const got = histogram.quantile(q);
      assert.ok(Math.abs(got - want) <= want * 0.0157, `${q}: ${got} for ${want}`);
    }
  }
});

test("edges: nothing, zero, negative, not a number, and beyond the last bucket", () => {
  const histogram = new Histogram();
  assert.equal(histogram.quantile(0.5), -1);
  for (const odd of [0, -3, Number.NaN]) histogram.record(odd);
  assert.ok(histogram.quantile(1) < 0.002);
  histogram.record(Number.POSITIVE_INFINITY);
  histogram.record(1e12);
  assert.ok(histogram.quantile(1) > 4e6);
  assert.equal(histogram.count, 5);
  histogram.clear();
  assert.equal(histogram.quantile(0.5), -1);
});

test("two histograms read as one", () => {
  const a = new Histogram();
  const b = new Histogram();
  const both = new Histogram();
  for (let i = 1; i <= 1000; i++) {
    (i % 3 === 0 ? a : b).record(i);
    both.record(i);
  }
  for (const q of QUANTILES) assert.equal(quantileOfBoth(a, b, q), both.quantile(q));
});

test("a recent histogram forgets after two spans, and at once after a long silence", () => {
  const recent = new RecentHistogram(1000);
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) recent.record(100, nowMs);
  for (let nowMs = 1000; nowMs < 2000; nowMs += 10) recent.record(1, nowMs);
  assert.ok(recent.quantile(0.9, 1999) > 90, "still in reach");
  assert.ok(recent.quantile(0.9, 2000) < 2, "forgotten");
  assert.equal(recent.count(2000), 100);
  assert.equal(recent.count(9000), 0);
});
