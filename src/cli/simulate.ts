/**
 * `plimsoll simulate`: runs the brain in virtual time and prints what each policy made of it, side by side.
 *
 * Standard output depends on the scenario alone, byte for byte; how long it took goes to standard error.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { formatProblem } from "../config/format-problem.ts";
import type { Figures } from "../sim/measure/figures.ts";
import { jsonText } from "../sim/report/json.ts";
import { plotText } from "../sim/report/plot.ts";
import { tableText } from "../sim/report/table.ts";
import { readScenario, type ReadScenario } from "../sim/scenario/read-scenario.ts";
import { simulate } from "../sim/simulate.ts";

export interface SimulateOptions {
  /** Instead of the scenario's. */
  readonly policies: readonly string[] | undefined;
  readonly seed: number | undefined;
  readonly output: "table" | "json";
  /** File for a plot. */
  readonly svg: string | undefined;
}

export function runSimulate(path: string, options: SimulateOptions): number {
  const read = readScenarioFile(path, options);
  if (typeof read === "string") {
    process.stderr.write(`${read}\n`);
    return 1;
  }
  for (const problem of read.problems) process.stderr.write(`${formatProblem(problem)}\n`);
  const { scenario } = read;
  if (scenario === undefined) return 1;
  const started = performance.now();
  const figures = simulate(scenario);
  const text = options.output === "json" ? jsonText(scenario, figures) : tableText(scenario, figures);
  process.stdout.write(text);
  process.stderr.write(`${speed(figures, performance.now() - started)}\n`);
  return options.svg === undefined ? 0 : writePlot(options.svg, plotText(scenario, figures));
}

function readScenarioFile(path: string, options: SimulateOptions): ReadScenario | string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return `${path}: cannot be read: ${reasonOf(error)}`;
  }
  const open = (name: string): string => readFileSync(resolve(dirname(path), name), "utf8");
  return readScenario(path, text, { policies: options.policies, seed: options.seed, open });
}

function writePlot(path: string, text: string): number {
  try {
    writeFileSync(path, text);
    return 0;
  } catch (error) {
    process.stderr.write(`${path}: cannot be written: ${reasonOf(error)}\n`);
    return 1;
  }
}

function speed(figures: readonly Figures[], elapsedMs: number): string {
  const requests = figures.reduce((sum, { simulated }) => sum + simulated, 0);
  const perSec = Math.round(requests / (elapsedMs / 1000));
  return `${requests} requests in ${(elapsedMs / 1000).toFixed(1)} s: ${perSec} per second`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
