/**
 * For the tests of the simulator: scenarios from text or from examples/scenarios, run and reduced to figures.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatProblem } from "../../src/config/format-problem.ts";
import { figuresOf, type Figures } from "../../src/sim/measure/figures.ts";
import { run } from "../../src/sim/run.ts";
import { readScenario, type ReadOptions } from "../../src/sim/scenario/read-scenario.ts";
import type { Scenario } from "../../src/sim/scenario/scenario.ts";

export const EXAMPLES = join(import.meta.dirname, "../../examples/scenarios");

export function scenarioOf(text: string, options: ReadOptions = {}, path = "test.yaml"): Scenario {
  const { scenario, problems } = readScenario(path, text, options);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.ok(scenario !== undefined);
  return scenario;
}

export function exampleOf(name: string, options: ReadOptions = {}): Scenario {
  const path = join(EXAMPLES, `${name}.yaml`);
  return scenarioOf(readFileSync(path, "utf8"), options, path);
}

/** Figures by policy. */
export function figuresByPolicy(scenario: Scenario): ReadonlyMap<string, Figures> {
  return new Map(
    scenario.contenders.map((contender) => [contender.name, figuresOf(run(scenario, contender))]),
  );
}

/** Figures of a scenario with one policy. */
export function figuresOfOnly(scenario: Scenario): Figures {
  assert.equal(scenario.contenders.length, 1);
  return figuresOf(run(scenario, scenario.contenders[0]!));
}

/** `tolerance` is a share of what is expected. */
export function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  const off = Math.abs(actual - expected) / expected;
  assert.ok(off <= tolerance, `${what}: ${actual}, expected ${expected} within ${tolerance * 100} %`);
}
