/** The limit against a pool of known capacity: found, not fooled, and found again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_ADAPTIVE_LIMIT } from "../../model/policy.ts";
import { createPrng } from "../../std/prng.ts";
import { AdaptiveLimit } from "./adaptive-limit.ts";

const prng = createPrng(9);

interface Load {
  /** Requests the pool works on at once; beyond, answers take longer in proportion. */
  readonly capacity: number;
  readonly serviceMs: number;
  /** Requests there would be without a limit. */
  readonly wanted: number;
}

/** One second of traffic, by Little's law; `kinds`: class name and cost of its requests in units of the load's. */
function second(
  limit: AdaptiveLimit,
  load: Load,
  fromMs: number,
  kinds = [{ name: "a", cost: 1, share: 1 }],
): void {
  for (let nowMs = fromMs; nowMs < fromMs + 1000; nowMs += 5) {
    const underWay = Math.max(1, Math.min(load.wanted, Math.floor(limit.value)));
    const slowdown = Math.max(1, underWay / load.capacity);
    for (const { name, cost, share } of kinds) {
      if (prng.float() >= share) continue;
      // Costs vary: half to one and a half times the mean.
      limit.answered(name, load.serviceMs * cost * slowdown * (0.5 + prng.float()), underWay, nowMs);
    }
  }
}

function after(seconds: number, limit: AdaptiveLimit, load: Load, fromMs = 0): number {
  for (let s = 0; s < seconds; s++) second(limit, load, fromMs + s * 1000);
  return fromMs + seconds * 1000;
}

test("it grows quickly to what is wanted while answers do not slow down", () => {
  const limit = new AdaptiveLimit(DEFAULT_ADAPTIVE_LIMIT);
  after(5, limit, { capacity: 1e9, serviceMs: 10, wanted: 2000 });
  assert.ok(limit.value >= 2000, `${limit.value}`);
  assert.ok(limit.value <= 6000, "and not beyond what is used");
});

test("it settles at one to two times the capacity when more is wanted", () => {
  for (const capacity of [8, 40, 300]) {
    const limit = new AdaptiveLimit(DEFAULT_ADAPTIVE_LIMIT);
    // Unloaded first, as traffic usually begins.
    const nowMs = after(5, limit, { capacity, serviceMs: 20, wanted: capacity / 2 });
    after(60, limit, { capacity, serviceMs: 20, wanted: capacity * 20 }, nowMs);
    assert.ok(limit.value > capacity && limit.value < capacity * 2.6, `${limit.value} for ${capacity}`);
  }
});

test("traffic below half of the limit does not move it", () => {
  const limit = new AdaptiveLimit(DEFAULT_ADAPTIVE_LIMIT);
  after(20, limit, { capacity: 1000, serviceMs: 10, wanted: 20 });
  assert.equal(limit.value, DEFAULT_ADAPTIVE_LIMIT.initial);
});

test("a shift to work that costs fifty times as much is not congestion, if it is of another class", () => {
  const limit = new AdaptiveLimit({ ...DEFAULT_ADAPTIVE_LIMIT, initial: 50 });
  const load = { capacity: 1e9, serviceMs: 10, wanted: 60 };
  const kinds = (share: number) => [
    { name: "short", cost: 1, share: 1 - share },
    { name: "long", cost: 50, share },
  ];
  for (let s = 0; s < 20; s++) second(limit, load, s * 1000, kinds(0.2));
  const before = limit.value;
  for (let s = 20; s < 60; s++) second(limit, load, s * 1000, kinds(0.9));
  assert.ok(limit.value >= before, `${before}, then ${limit.value}`);
});

test("endpoints that become four times slower for their own reasons do not grind the limit down", () => {
  const limit = new AdaptiveLimit(DEFAULT_ADAPTIVE_LIMIT);
  let nowMs = after(10, limit, { capacity: 1e9, serviceMs: 10, wanted: 100 });
  let least = limit.value;
  for (let s = 0; s < 60; s++) {
    nowMs = after(1, limit, { capacity: 1e9, serviceMs: 40, wanted: 100 }, nowMs);
    least = Math.min(least, limit.value);
  }
  assert.ok(least > 50 && limit.value >= 95, `least ${least}, at the end ${limit.value}`);
});

test("refusals for load cut it, whatever the latencies say, and its bounds hold", () => {
  const limit = new AdaptiveLimit({ min: 5, max: 60, initial: 50, tolerance: 1.5 });
  for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
    limit.answered("a", 1, 50, nowMs);
    if (nowMs % 100 === 0) limit.dropped(50, nowMs);
  }
  assert.equal(limit.value, 5);
  after(120, limit, { capacity: 1e9, serviceMs: 1, wanted: 1e6 }, 60_000);
  assert.equal(limit.value, 60);
});
