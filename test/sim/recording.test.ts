/**
 * Recorded traffic: requests and counts, from CSV and JSONL, as arrivals of a scenario.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../src/config/format-problem.ts";
import { readScenario } from "../../src/sim/scenario/read-scenario.ts";
import { figuresOfOnly, scenarioOf } from "./kit.ts";

function textWith(recording: string): string {
  return `
name: recorded
duration: 10s
policies: [RoundRobin]
arrivals: { process: recorded, recording: ${recording} }
work: { distribution: constant, meanMs: 10 }
endpoints: [{ name: web, count: 2 }]`;
}

const AZURE = `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:04.0319600,3180,8
2023-11-16 18:17:04.0781490,110,27
`;

test("one row per request, with dates, works and another pace", () => {
  const recording =
    "{ file: a.csv, time: TIMESTAMP, unit: date, work: GeneratedTokens, workMsPerUnit: 20, speedUp: 2 }";
  const scenario = scenarioOf(textWith(recording), { open: () => AZURE });
  assert.equal(scenario.arrivals.kind, "recorded");
  if (scenario.arrivals.kind !== "recorded") return;
  assert.deepEqual([...scenario.arrivals.timesMs], [0, 26, 49.5]);
  assert.deepEqual([...scenario.arrivals.worksMs!], [200, 160, 540]);
  const { requests, latencyMs } = figuresOfOnly(scenario);
  assert.equal(requests, 3);
  // The third waits at the first endpoint for what is left of 200 ms.
  assert.ok(Math.abs(latencyMs.max - (540 + 200 - 49.5)) < 1e-6);
});

test("JSONL, and rows out of order", () => {
  const rows = `{"timestamp": 500, "n": 1}\n{"timestamp": 100, "n": 2}\n`;
  const scenario = scenarioOf(textWith("{ file: a.jsonl, time: timestamp, unit: ms }"), { open: () => rows });
  assert.ok(scenario.arrivals.kind === "recorded");
  assert.deepEqual([...scenario.arrivals.timesMs], [0, 400]);
});

test("counts per span are rates", () => {
  const rows = "period,count\n1998-04-30 21:30:00,2000\n1998-04-30 21:30:02,500\n1998-04-30 21:30:04,0\n";
  const recording = "{ file: a.csv, time: period, unit: date, count: count }";
  const scenario = scenarioOf(textWith(recording), { open: () => rows });
  assert.ok(scenario.arrivals.kind === "poisson");
  const factors = scenario.arrivals.steps.map(({ atMs, factor }) => [atMs, factor]);
  assert.deepEqual(factors, [
    [0, 1000],
    [2000, 250],
    [4000, 0],
    [6000, 0],
  ]);
  const { requests } = figuresOfOnly(scenario);
  assert.ok(Math.abs(requests - 2500) < 150, `${requests}`);
});

test("what is wrong with a recording is said where the scenario names it", () => {
  const told = (file: string, rows: string): string =>
    readScenario("s.yaml", textWith(`{ file: ${file}, time: t }`), { open: () => rows })
      .problems.map(formatProblem)
      .join("\n");
  assert.match(
    told("a.csv", "t\n1\nx\n"),
    /^s\.yaml:5:\d+: error: arrivals\.recording\.file: row 2 has no time in "x"/,
  );
  assert.match(told("a.csv", "u\n1\n"), /row 1 has no t/);
  assert.match(told("a.csv", "t\n"), /it has no rows/);
  assert.match(told("a.jsonl", "{\n"), /row 1 is not JSON/);
});
