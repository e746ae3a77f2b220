/** Probe times: within their bounds, right on average, spread out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng } from "../../std/prng.ts";
import { firstDelayMs, nextDelayMs } from "./schedule.ts";

function delays(delay: () => number): readonly number[] {
  return Array.from({ length: 10_000 }, delay);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test("first probes are spread over the whole interval", () => {
  const prng = createPrng(1);
  const values = delays(() => firstDelayMs(10_000, prng));
  assert.ok(Math.min(...values) >= 0 && Math.min(...values) < 50);
  assert.ok(Math.max(...values) < 10_000 && Math.max(...values) > 9_950);
  assert.ok(Math.abs(mean(values) - 5_000) < 150);
});

test("later probes keep the interval to a tenth and on average", () => {
  const prng = createPrng(2);
  const values = delays(() => nextDelayMs(10_000, prng));
  assert.ok(Math.min(...values) >= 9_000 && Math.min(...values) < 9_010);
  assert.ok(Math.max(...values) < 11_000 && Math.max(...values) > 10_990);
  assert.ok(Math.abs(mean(values) - 10_000) < 30);
});

test("endpoints in step drift apart", () => {
  const prng = createPrng(3);
  const times = Array.from({ length: 100 }, () => 0);
  for (let round = 0; round < 30; round++) {
    for (const [index, time] of times.entries()) times[index] = time + nextDelayMs(10_000, prng);
  }
  // Thirty steps of standard deviation 577 ms: 3.2 s.
  assert.ok(Math.max(...times) - Math.min(...times) > 5_000);
});
