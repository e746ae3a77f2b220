/**
 * Figures as JSON for programs: whatever stands in figures.ts, rounded to what the simulation can mean.
 *
 * Numbers keep six significant digits: more would differ between processors, whose logarithms may differ in the last bit.
 */
import type { Figures } from "../measure/figures.ts";
import type { Scenario } from "../scenario/scenario.ts";

const DIGITS = 6;

export function jsonText(scenario: Scenario, figures: readonly Figures[]): string {
  const { name, description, seed, durationMs, warmUpMs } = scenario;
  const head = { scenario: name, description, seed, durationMs, warmUpMs };
  return `${JSON.stringify({ ...head, policies: figures }, rounded, 2)}\n`;
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
}
