/**
 * A local zone that gets more than it bears: what does not fit leaves within seconds, the rest stays, and all returns.
 *
 * Two endpoints in zone a, four in b, two slots and 20 ms each: a bears 200 requests a second, of 240 it should keep
 * 0.7 * 200 / 240 = 0.58. Latency ejection is off, so that the division alone is looked at.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../src/sim/run.ts";
import { scenarioOf } from "./kit.ts";

const SPILL = `
name: spill
seed: 1
duration: 80s
policies: [Auto]
arrivals: { process: poisson, ratePerSec: 60, steps: [{ at: 15s, factor: 4 }, { at: 60s, factor: 1 }] }
work: { distribution: exponential, meanMs: 20 }
gateways: { count: 1, zones: [a] }
pool: { outlierDetection: { maxEjectionPercent: 0 } }
endpoints:
  - { name: l, count: 2, slots: 2, zones: [a] }
  - { name: r, count: 4, slots: 2, zones: [b] }
`;

test("the local share comes to rest at what fits, never far below, and is whole again ten seconds after", () => {
  for (const seed of [1, 2, 3]) {
    const scenario = scenarioOf(SPILL, { seed });
    const { recorder } = run(scenario, scenario.contenders[0]!);
    const local = (fromSec: number, toSec: number): number =>
      recorder.shares.share([0, 1], fromSec * 10, toSec * 10)!;
    assert.ok(local(0, 15) > 0.9, `before: ${local(0, 15)}`);
    for (let sec = 25; sec < 60; sec += 5) {
      const share = local(sec, sec + 5);
      assert.ok(share > 0.4 && share < 0.75, `seed ${seed}, from ${sec} s: ${share}`);
    }
    assert.ok(local(70, 80) > 0.9, `seed ${seed}, after: ${local(70, 80)}`);
    const worst = Math.max(...recorder.seconds.slice(30, 60).map(({ p99Ms }) => p99Ms));
    assert.ok(worst < 300, `seed ${seed}: p99 of ${worst} ms at rest`);
  }
});
