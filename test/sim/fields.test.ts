/** What a scenario says of its pool and gateways is what happens: zones are preferred, retries under way are bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../src/sim/run.ts";
import { figuresOf } from "../../src/sim/measure/figures.ts";
import { figuresOfOnly, scenarioOf } from "./kit.ts";

function zonesPreferring(prefer: "Local" | "None"): number {
  const scenario = scenarioOf(`
name: zones
duration: 20s
warmUp: 5s
seed: 1
policies: [LeastRequest]
arrivals: { process: poisson, load: 0.3 }
work: { distribution: exponential, meanMs: 10 }
clients: { timeout: 5s }
gateways: { count: 1, zones: [a] }
endpoints: [{ name: web, count: 8, slots: 4, zones: [a, b] }]
pool: { balancing: { zones: { prefer: ${prefer} } } }
faults: [{ kind: slow, on: { zone: b }, at: 6s, for: 13s, factor: 1.0001 }]
`);
  const { episodes } = figuresOf(run(scenario, scenario.contenders[0]!));
  return episodes[0]!.shareDuring;
}

test("the zone of a gateway is the one that is preferred, where the pool prefers it", () => {
  const local = zonesPreferring("Local");
  assert.ok(local < 0.06, `${local} to the other zone`);
  const none = zonesPreferring("None");
  assert.ok(Math.abs(none - 0.5) < 0.05, `${none} to the other zone`);
});

test("maxRetries bounds the retries of a gateway that are under way", () => {
  const attempts = (maxRetries: number): number =>
    figuresOfOnly(
      scenarioOf(`
name: retries
duration: 10s
warmUp: 1s
seed: 1
policies: [RoundRobin]
arrivals: { process: poisson, load: 0.3 }
work: { distribution: exponential, meanMs: 10 }
clients: { timeout: 5s }
endpoints: [{ name: web, count: 4, slots: 4 }]
pool: { outlierDetection: { maxEjectionPercent: 0 }, circuitBreaker: { maxRetries: ${maxRetries} } }
faults: [{ kind: crash, on: { count: 1 }, at: 2s }]
`),
    ).attemptsPerRequest;
  assert.equal(attempts(0), 1);
  assert.ok(attempts(1000) > 1.1);
});
