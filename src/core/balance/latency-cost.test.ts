/** The cost by example: each term of the formula on its own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createColumns, type Columns } from "../signals/columns.ts";
import { begin } from "../signals/in-flight.ts";
import { learnLatency } from "../signals/learn.ts";
import { cheaperOf as cheaper, writeLatencyCost } from "./latency-cost.ts";

const KNOWN = 0;
const OTHER = 1;
const NEW = 2;

/** Two endpoints that answered in 20 ms at time 0, one never seen. */
function columnsOfThree(): Columns {
  const columns = createColumns();
  for (const slot of [KNOWN, OTHER]) {
    columns.latencySampleMs[slot] = 20;
    learnLatency(columns, slot, 0);
  }
  return columns;
}

function cheaperOf(columns: Columns, first: number, second: number, eligible: number, nowMs: number): number {
  return cheaper(columns, first, second, eligible, nowMs, new Float64Array(2));
}

function latencyCost(columns: Columns, slot: number, meanInFlight: number, nowMs: number): number {
  const costs = new Float64Array(1);
  const total = columns.inFlightTotal;
  columns.inFlightTotal = meanInFlight;
  writeLatencyCost(columns, slot, 1, nowMs, costs, 0);
  columns.inFlightTotal = total;
  return costs[0]!;
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * expected, `${actual} is not ${expected}`);
}

test("latency times the queue with the new request in it", () => {
  const columns = columnsOfThree();
  near(latencyCost(columns, KNOWN, 0, 0), 20);
  columns.inFlight[KNOWN] = 3;
  near(latencyCost(columns, KNOWN, 0, 0), 80);
  assert.equal(cheaperOf(columns, KNOWN, OTHER, 2, 0), OTHER);
  assert.equal(cheaperOf(columns, OTHER, KNOWN, 2, 0), OTHER);
});

test("silence counts as latency once it is longer", () => {
  const columns = columnsOfThree();
  begin(columns, KNOWN, 0);
  near(latencyCost(columns, KNOWN, 0, 0), 20 * 2);
  near(latencyCost(columns, KNOWN, 0, 500), 500 * 2);
});

test("an error costs a hundred typical answers, and emptiness due to errors is no room", () => {
  const columns = columnsOfThree();
  columns.errorRatio[KNOWN] = 0.01;
  near(latencyCost(columns, KNOWN, 0, 0), 20 + 20);
  columns.errorRatio[KNOWN] = 1;
  near(latencyCost(columns, KNOWN, 0, 0), 20 + 2000);
  near(latencyCost(columns, KNOWN, 500, 0), (20 + 2000) * 501);
});

test("an endpoint without history is tried once, then counts as typical", () => {
  const columns = columnsOfThree();
  assert.equal(cheaperOf(columns, KNOWN, NEW, 3, 0), NEW);
  begin(columns, NEW, 0);
  near(latencyCost(columns, NEW, 0, 0), 20 * 2);
  assert.equal(cheaperOf(columns, KNOWN, NEW, 3, 0), KNOWN);
  columns.inFlight[KNOWN] = 5;
  assert.equal(cheaperOf(columns, KNOWN, NEW, 3, 0), NEW, "not starved either");
});

test("when every estimate has decayed away, requests in flight decide", () => {
  const columns = columnsOfThree();
  columns.inFlight[KNOWN] = 1;
  assert.equal(cheaperOf(columns, KNOWN, OTHER, 2, 1e9), OTHER);
});
