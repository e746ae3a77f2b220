/**
 * What is wrong with a scenario is said with its place, in the words that problems of manifests have.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatProblem } from "../../src/config/format-problem.ts";
import { readScenario } from "../../src/sim/scenario/read-scenario.ts";
import { scenarioOf } from "./kit.ts";

const GOOD = `name: good
duration: 10s
arrivals: { process: poisson, load: 0.5 }
work: { distribution: constant, meanMs: 10 }
endpoints:
  - { name: web, count: 2, slots: 4 }
`;

function problemsIn(text: string, policies?: readonly string[]): readonly string[] {
  return readScenario("s.yaml", text, { policies }).problems.map(formatProblem);
}

function assertProblem(text: string, expected: RegExp): void {
  const { scenario, problems } = readScenario("s.yaml", text);
  assert.equal(scenario, undefined);
  assert.match(problems.map(formatProblem).join("\n"), expected);
}

test("defaults", () => {
  const scenario = scenarioOf(GOOD);
  const { arrivals, groups, clients, gateways, seed, warmUpMs } = scenario;
  assert.deepEqual(arrivals, { kind: "poisson", ratePerSec: 400, steps: [], bursts: undefined });
  assert.equal(groups[0]!.queueMax, Number.POSITIVE_INFINITY);
  assert.deepEqual(clients, { timeoutMs: 0, attempts: 1, backoffMs: 0, method: "GET" });
  assert.equal(gateways.count, 1);
  assert.equal(seed, 1);
  assert.equal(warmUpMs, 0);
});

test("the seed and the policies of the command go before those of the file", () => {
  const scenario = scenarioOf(`${GOOD}seed: 5\npolicies: [Random]\n`, { seed: 9, policies: ["RoundRobin"] });
  assert.equal(scenario.seed, 9);
  assert.deepEqual(
    scenario.contenders.map(({ name, policy }) => [name, policy.balancing]),
    [["RoundRobin", "RoundRobin"]],
  );
});

test("a misspelt field is told with its place and what was perhaps meant", () => {
  assertProblem(
    GOOD.replace("slots: 4", "slot: 4"),
    /^s\.yaml:6:\d+: error: endpoints\[0\]\.slot: unknown field; did you mean slots\?/m,
  );
});

test("a value out of range", () => {
  assertProblem(
    GOOD.replace("load: 0.5", "load: -1"),
    /^s\.yaml:3:\d+: error: arrivals\.load: .*out of range/m,
  );
});

test("fields that mean nothing where they stand", () => {
  assertProblem(GOOD.replace("meanMs: 10", "meanMs: 10, cv: 1"), /work\.cv: cv means nothing to constant/);
  assertProblem(
    `${GOOD}faults: [{ kind: hang, on: {}, at: 1s, factor: 2 }]\n`,
    /faults\[0\]\.factor: factor means nothing to hang/,
  );
});

test("two rates, or none", () => {
  assertProblem(GOOD.replace("load: 0.5", "load: 0.5, ratePerSec: 3"), /arrivals need one rate.*2 of them/);
  assertProblem(GOOD.replace(", load: 0.5", ""), /arrivals need one rate.*0 of them/);
});

test("a fault that is laid on nobody", () => {
  assertProblem(
    `${GOOD}faults: [{ kind: crash, on: { group: wep }, at: 1s }]\n`,
    /^s\.yaml:7:\d+: error: faults\[0\]\.on: no endpoint is meant by this/m,
  );
});

test("the pool is judged as a BackendPolicy, at its place in the scenario", () => {
  assertProblem(
    `${GOOD}pool:\n  retries: { atempts: 2 }\n`,
    /^s\.yaml:8:\d+: error: pool\.retries\.atempts: unknown field; did you mean attempts\?/m,
  );
  assert.equal(problemsIn(`${GOOD}pool: { retries: { attempts: 99 } }\n`).length, 1);
});

test("a policy that there is not", () => {
  assertProblem(
    `${GOOD}policies: [Random, PeekEwma]\n`,
    /^s\.yaml:7:20: error: policies: .*did you mean PeakEwma\?/m,
  );
  assert.match(problemsIn(GOOD, ["Fastest"]).join(), /not a known balancing policy/);
});

test("a warm-up as long as the run, and a file that holds two scenarios", () => {
  assertProblem(`${GOOD}warmUp: 10s\n`, /warmUp: the warm-up leaves nothing to measure/);
  assertProblem(`${GOOD}---\n${GOOD}`, /a file holds one scenario/);
  assertProblem("", /a file holds one scenario/);
  assertProblem("name: [", /^s\.yaml:1:/);
});

test("the scenario shown in docs/simulator.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/simulator.md"), "utf8");
  const shown = /^```yaml\n(.*?)^```$/ms.exec(page)?.[1] ?? "";
  assert.equal(scenarioOf(shown).name, "mixed");
});
