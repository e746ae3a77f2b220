/**
 * The simulator against theory: before its word counts on policies, it must reproduce what can be calculated.
 *
 * All times in units of the mean work, which is 1 ms here. Ejection is off: at a constant 70 to 95 % load it would take
 * the longest queue for an ill endpoint now and then, and theory knows no such thing.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatDurationMs } from "../../src/std/duration.ts";
import { assertNear, figuresOfOnly, scenarioOf } from "./kit.ts";

interface Station {
  readonly policy?: string;
  readonly load: number;
  readonly endpoints?: number;
  readonly slots?: number;
  readonly discipline?: "fifo" | "processor-sharing";
  readonly work?: string;
  readonly seconds: number;
  readonly warmUpSeconds?: number;
}

function figuresAt(station: Station) {
  const { policy = "Random", load, endpoints = 1, slots = 1, discipline = "fifo" } = station;
  const { work = "distribution: exponential", seconds, warmUpSeconds = 1 } = station;
  const text = `
name: station
seed: 3
duration: ${formatDurationMs(seconds * 1000)}
warmUp: ${formatDurationMs(warmUpSeconds * 1000)}
policies: [${policy}]
arrivals: { process: poisson, load: ${load} }
work: { ${work}, meanMs: 1 }
pool:
  outlierDetection: { maxEjectionPercent: 0 }
  connectionPool: { tcp: { maxConnections: 1000000 } }
endpoints: [{ name: station, count: ${endpoints}, slots: ${slots}, discipline: ${discipline} }]`;
  return figuresOfOnly(scenarioOf(text));
}

/** The chance that an arrival has to wait in M/M/c (Erlang C), by the recursion for Erlang B. */
function erlangC(servers: number, offered: number): number {
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  const load = offered / servers;
  return blocked / (1 - load * (1 - blocked));
}

/** Mean time in the system with d choices (Mitzenmacher 2001): sum of the tail, divided by the arrival rate. */
function supermarket(load: number, choices: number): number {
  let jobs = 0;
  for (let i = 1; i < 500; i++) jobs += load ** ((choices ** i - 1) / (choices - 1));
  return jobs / load;
}

describe("M/M/1", () => {
  const load = 0.7;
  const { latencyMs, rif, utilisation } = figuresAt({ load, seconds: 600 });
  const exponent = 1 - load;
  test("mean time in the system", () => assertNear(latencyMs.mean, 1 / exponent, 0.03, "mean"));
  test("median and 99th percentile", () => {
    assertNear(latencyMs.p50, Math.log(2) / exponent, 0.05, "p50");
    assertNear(latencyMs.p99, Math.log(100) / exponent, 0.05, "p99");
  });
  test("utilisation is the load", () => assertNear(utilisation.mean, load, 0.02, "utilisation"));
  test("Little's law: jobs in the system = rate * time", () =>
    assertNear(rif.mean, load * latencyMs.mean, 0.02, "RIF"));
});

test("M/M/c: mean wait", () => {
  const slots = 8;
  const load = 0.9;
  const { latencyMs } = figuresAt({ load, slots, seconds: 80 });
  const wait = erlangC(slots, slots * load) / (slots * (1 - load));
  assertNear(latencyMs.mean - 1, wait, 0.05, "wait");
});

describe("the power of two choices, 500 endpoints", () => {
  for (const load of [0.7, 0.9, 0.95]) {
    test(`LeastRequest at load ${load}`, () => {
      // The queues are as theory has them after a few hundred works.
      const crowd = { policy: "LeastRequest", endpoints: 500, seconds: 0.8, warmUpSeconds: 0.3 };
      const { latencyMs } = figuresAt({ ...crowd, load });
      assertNear(latencyMs.mean, supermarket(load, 2), 0.05, "mean");
    });
  }

  test("Random is as many M/M/1", () => {
    const { latencyMs } = figuresAt({ load: 0.7, endpoints: 500, seconds: 1, warmUpSeconds: 0.3 });
    assertNear(latencyMs.mean, 1 / 0.3, 0.05, "mean");
  });
});

describe("processor sharing: mean time does not depend on the distribution of work", () => {
  for (const work of [
    "distribution: exponential",
    "distribution: constant",
    "distribution: lognormal, sigma: 1",
  ]) {
    test(work, () => {
      const { latencyMs } = figuresAt({ load: 0.7, discipline: "processor-sharing", work, seconds: 500 });
      assertNear(latencyMs.mean, 1 / 0.3, 0.05, "mean");
    });
  }
});

test("M/D/1: half the wait of M/M/1 (Pollaczek and Khinchine)", () => {
  const { latencyMs } = figuresAt({ load: 0.7, work: "distribution: constant", seconds: 200 });
  assertNear(latencyMs.mean - 1, 0.7 / (2 * 0.3), 0.05, "wait");
});

test("the theory in this file is right", () => {
  // M/M/1 waits with probability rho; two servers at rho with 2 rho^2 / (1 + rho).
  assertNear(erlangC(1, 0.6), 0.6, 1e-9, "one server");
  assertNear(erlangC(2, 1.2), (2 * 0.36) / 1.6, 1e-9, "two servers");
  // lb-algorithms, section 5.1.
  for (const [load, mean] of [
    [0.7, 1.61],
    [0.9, 2.61],
    [0.95, 3.38],
  ] as const)
    assert.equal(Number(supermarket(load, 2).toFixed(2)), mean);
});
