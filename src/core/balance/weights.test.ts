/** Configured weights and slow start, for every policy that balances: who should get twice as much gets twice as much. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../model/endpoint.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import { endpoint, keys, spec, VirtualPool, type Answer } from "./virtual-pool.test.ts";

const WEIGHTED: readonly BalancingPolicy[] = [
  "Random",
  "RoundRobin",
  "LeastRequest",
  "ShortestDelay",
  "PeakEwma",
  "LocalityAware",
  "ResourceAware",
];
const GOOD: Answer = { kind: "success", afterMs: 10 };

function weighted(weights: readonly number[]): readonly Endpoint[] {
  return weights.map((weight, i) => ({ ...endpoint(`e${i}`), weight }));
}

test("shares follow weights", () => {
  for (const policy of WEIGHTED) {
    const pool = new VirtualPool(spec(weighted([1, 1, 2, 2, 2, 4]), policy), () => GOOD);
    pool.run(15_000, 2);
    const sent = pool.run(30_000, 2);
    const perWeight = [1, 1, 2, 2, 2, 4].map((weight, i) => sent.get(`e${i}`)! / weight / (15_000 / 12));
    for (const [i, share] of perWeight.entries()) {
      // Where cost decides, whoever was asked longer ago has the lower estimate: against the heavy.
      assert.ok(share > 0.55 && share < 1.5, `${policy} e${i} ${share}`);
    }
  }
});

test("RoundRobin's shares are exact", () => {
  const pool = new VirtualPool(spec(weighted([1, 3]), "RoundRobin"), () => GOOD);
  const sent = pool.run(4000, 1);
  assert.ok(Math.abs(sent.get("e0")! - 1000) <= 1, `${sent.get("e0")}`);
});

test("a weight changed by a reload applies at once", () => {
  for (const policy of WEIGHTED) {
    const pool = new VirtualPool(spec(weighted([1, 1]), policy), () => GOOD);
    pool.run(15_000, 4);
    pool.brain.adopt(spec(weighted([1, 9]), policy), pool.nowMs);
    // Its measured throughput has to follow, window by window.
    pool.run(policy === "LocalityAware" ? 60_000 : 2000, 4);
    const sent = pool.run(10_000, 4);
    assert.ok(sent.get("e1")! / sent.get("e0")! > 3, `${policy} ${sent.get("e1")} to ${sent.get("e0")}`);
  }
});

test("weighing reports the weights where nothing else is known", () => {
  for (const policy of [...WEIGHTED, "ConsistentHash", "Prequal"] as const) {
    const pool = new VirtualPool(spec(weighted([1, 3]), policy), () => GOOD);
    const shares = pool.brain.weigh(20_000).map(({ share }) => share);
    assert.ok(Math.abs(shares[1]! - 0.75) < 0.01, `${policy} ${shares.join()}`);
  }
});

test("an endpoint in slow start is brought up, not flooded", () => {
  const slowStart = { windowMs: 20_000, aggression: 1, minRatio: 0.1 };
  for (const policy of WEIGHTED) {
    const before = spec(keys(5), policy);
    const policyOf = { ...before.policy, slowStart };
    const pool = new VirtualPool({ ...before, policy: policyOf }, () => GOOD);
    pool.run(30_000, 2);
    pool.brain.adopt({ ...spec([...keys(5), "new"], policy), policy: policyOf }, pool.nowMs);
    const first = (pool.run(4000, 2).get("new") ?? 0) / 2000;
    pool.run(20_000, 2);
    const later = (pool.run(30_000, 2).get("new") ?? 0) / 15_000;
    assert.ok(first > 0 && first < 0.11, `${policy} at first ${first}`);
    assert.ok(later > 0.1 && later < 0.24, `${policy} later ${later}`);
  }
});
