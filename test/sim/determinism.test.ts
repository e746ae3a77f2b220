/**
 * The same scenario and seed give the same bytes; another seed gives others. And what one policy does is no
 * other's business: each is simulated as if it were alone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonText } from "../../src/sim/report/json.ts";
import { plotText } from "../../src/sim/report/plot.ts";
import { tableText } from "../../src/sim/report/table.ts";
import type { Scenario } from "../../src/sim/scenario/scenario.ts";
import { simulate } from "../../src/sim/simulate.ts";
import { scenarioOf } from "./kit.ts";

/** Something of everything. */
const TEXT = `
name: everything
duration: 12s
warmUp: 1s
policies: [RoundRobin, Auto, LocalityAware]
arrivals: { process: poisson, load: 0.6, steps: [{ at: 4s, factor: 1.5 }], bursts: { on: 1s, off: 2s, factor: 3 } }
work: { distribution: lognormal, meanMs: 5, sigma: 1 }
clients: { timeout: 200ms, attempts: 2, backoff: 50ms }
gateways: { count: 3, zones: [a, b], viewDelay: 50ms }
pool: { healthCheck: { intervalSeconds: 1, timeoutSeconds: 1 } }
endpoints:
  - { name: queue, count: 4, slots: 2, queueMax: 20, zones: [a, b] }
  - { name: share, count: 4, slots: 2, discipline: processor-sharing, speed: 2, zones: [a, b], joins: 2s,
      coldStart: { from: 0.2, over: 2s } }
faults:
  - { kind: hang, on: { group: queue, count: 1 }, at: 2s, for: 2s }
  - { kind: fail, on: { group: share, count: 1 }, at: 3s, for: 2s, ratio: 0.5 }
  - { kind: crash, on: { zone: b, count: 1 }, at: 5s, for: 1s, every: 3s, removedAfter: 500ms }
  - { kind: slow, factor: 4, on: { group: queue }, at: 7s, for: 1s }
  - { kind: pause, on: { group: share }, at: 9s, for: 200ms }
  - { kind: unreachable, on: { zone: a, count: 1 }, at: 10s, for: 1s }
antagonists: [{ ratio: 0.2, factor: 3, burst: 1s }]
network: { sameZoneMs: 0.2, crossZoneMs: 1 }`;

function jsonOf(scenario: Scenario): string {
  return jsonText(scenario, simulate(scenario));
}

test("same seed, same bytes", () => {
  assert.equal(jsonOf(scenarioOf(TEXT)), jsonOf(scenarioOf(TEXT)));
});

test("another seed, other figures", () => {
  assert.notEqual(jsonOf(scenarioOf(TEXT, { seed: 2 })), jsonOf(scenarioOf(TEXT, { seed: 3 })));
});

test("a policy's figures do not depend on which others are run", () => {
  const [, second] = simulate(scenarioOf(TEXT));
  const [alone] = simulate(scenarioOf(TEXT, { policies: ["Auto"] }));
  assert.deepEqual(alone, second);
});

test("every request ends once, and nothing stays behind", () => {
  for (const figures of simulate(scenarioOf(TEXT))) {
    const ended = Object.values(figures.endings).reduce((sum, count) => sum + count, 0);
    assert.equal(ended, figures.requests);
    assert.ok(figures.requests > 10_000 && figures.requests < figures.simulated);
    assert.equal(figures.endings["unfinished"], 0);
    assert.ok(figures.endings["timeout"]! > 0 && figures.endings["ok"]! > figures.requests / 2);
  }
});

test("table and plot name every policy, and the plot is well-formed", () => {
  const scenario = scenarioOf(TEXT);
  const figures = simulate(scenario);
  const table = tableText(scenario, figures);
  const plot = plotText(scenario, figures);
  for (const { policy } of figures) assert.ok(table.includes(policy) && plot.includes(`>${policy}</text>`));
  const widths = new Set(
    table
      .trimEnd()
      .split("\n")
      .slice(2)
      .map((line) => line.length),
  );
  assert.equal(widths.size, 1);
  assert.equal(plot.match(/<svg /g)?.length, 1);
  assert.ok(!/NaN|Infinity|undefined/.test(plot + table));
  assert.equal(plot.match(/<polyline /g)?.length, 3 * figures.length);
});
