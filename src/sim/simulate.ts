/**
 * A simulation: every policy of a scenario in turn, each in a world of its own that begins the same.
 */
import { figuresOf, type Figures } from "./measure/figures.ts";
import { run } from "./run.ts";
import type { Scenario } from "./scenario/scenario.ts";

export function simulate(scenario: Scenario): readonly Figures[] {
  return scenario.contenders.map((contender) => figuresOf(run(scenario, contender)));
}
