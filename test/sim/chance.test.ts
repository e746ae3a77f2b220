/**
 * Works have the mean they were asked for, arrivals the rate, whatever their form.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NO_HASH } from "../../src/core/balance/pick-facts.ts";
import { arrivalTimes } from "../../src/sim/chance/arrivals.ts";
import { keySampler } from "../../src/sim/chance/keys.ts";
import { stream } from "../../src/sim/chance/streams.ts";
import { workSampler } from "../../src/sim/chance/work.ts";
import type { ArrivalSpec, WorkSpec } from "../../src/sim/scenario/scenario.ts";
import { createPrng } from "../../src/std/prng.ts";
import { assertNear } from "./kit.ts";

describe("works: mean and coefficient of variation", () => {
  const cut = { kind: "normal", meanMs: 8, cv: 1 } as const;
  const works: readonly (readonly [WorkSpec, number])[] = [
    [{ kind: "constant", meanMs: 8 }, 0],
    [{ kind: "exponential", meanMs: 8 }, 1],
    [{ kind: "lognormal", meanMs: 8, sigma: 1 }, Math.sqrt(Math.E - 1)],
    // N(1, 1) above 0 has mean 1.2876 and variance 1 - 0.2876 * 1.2876.
    [cut, Math.sqrt(1 - 0.2876 * 1.2876) / 1.2876],
  ];
  for (const [spec, cv] of works) {
    test(spec.kind, () => {
      const sample = workSampler(spec, createPrng(1));
      const values = Array.from({ length: 200_000 }, sample);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      assertNear(mean, 8, 0.02, "mean");
      assert.ok(Math.abs(Math.sqrt(variance) / mean - cv) < 0.05, `${Math.sqrt(variance) / mean}`);
    });
  }

  test("pareto: mean, bounds and the power of its tail", () => {
    const sample = workSampler({ kind: "pareto", meanMs: 8, alpha: 1.5, maxMs: 800 }, createPrng(1));
    const values = Array.from({ length: 400_000 }, sample);
    assertNear(values.reduce((sum, value) => sum + value, 0) / values.length, 8, 0.02, "mean");
    assert.ok(values.every((value) => value > 0 && value <= 800));
    const above = (limit: number): number => values.filter((value) => value > limit).length;
    assertNear(above(10) / above(40), 4 ** 1.5, 0.05, "tail");
  });
});

test("keys: the k-th comes in proportion to 1 / k^skew; without keys there is no hash", () => {
  const draw = keySampler({ count: 50, skew: 1 }, createPrng(1));
  const counts = new Map<number, number>();
  for (let i = 0; i < 100_000; i++) {
    const hash = draw();
    counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  const ranked = [...counts.values()].toSorted((a, b) => b - a);
  assert.equal(ranked.length, 50);
  assertNear(ranked[0]! / ranked[9]!, 10, 0.1, "first over tenth");
  assert.equal(keySampler(undefined, createPrng(1))(), NO_HASH);
});

function countsPerSecond(spec: ArrivalSpec, seconds: number): readonly number[] {
  const times = arrivalTimes(spec, stream(1, "arrivals"), stream(1, "bursts"));
  const counts = Array.from({ length: seconds }, () => 0);
  for (let at = times.next(); at < seconds * 1000; at = times.next()) counts[Math.floor(at / 1000)]!++;
  return counts;
}

function meanOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}

function dispersionOf(counts: readonly number[]): number {
  const mean = meanOf(counts);
  return counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length / mean;
}

describe("arrivals", () => {
  const plain = { ratePerSec: 200, steps: [], bursts: undefined } as const;

  test("poisson: rate, and a variance equal to the mean", () => {
    const counts = countsPerSecond({ kind: "poisson", ...plain }, 2000);
    assertNear(meanOf(counts), 200, 0.01, "rate");
    assertNear(dispersionOf(counts), 1, 0.1, "dispersion");
  });

  test("even: the same in every second", () => {
    assert.deepEqual(new Set(countsPerSecond({ kind: "even", ...plain }, 50).slice(1)), new Set([200]));
  });

  test("steps change the rate when they say so", () => {
    const steps = [
      { atMs: 10_000, factor: 2 },
      { atMs: 20_000, factor: 0 },
      { atMs: 30_000, factor: 0.5 },
    ];
    const counts = countsPerSecond({ kind: "poisson", ...plain, steps }, 40);
    for (const [index, rate] of [200, 400, 0, 100].entries()) {
      const mean = meanOf(counts.slice(index * 10, index * 10 + 10));
      assert.ok(Math.abs(mean - rate) <= 0.1 * rate, `${mean} instead of ${rate}`);
    }
  });

  test("bursts keep the mean rate and raise the variance", () => {
    const bursts = { onMs: 500, offMs: 2000, factor: 6 };
    const counts = countsPerSecond({ kind: "poisson", ...plain, bursts }, 5000);
    assertNear(meanOf(counts), 200, 0.03, "rate");
    assert.ok(dispersionOf(counts) > 20);
  });
});
