/**
 * Load reports: what a simulated endpoint says of itself, and how that reaches the brains.
 */
import assert from "node:assert/strict";
import { describe, mock, test } from "node:test";
import { PoolBrain } from "../../src/core/balance/pool-brain.ts";
import type { LoadReport } from "../../src/model/load-report.ts";
import type { Ticket } from "../../src/model/verdict.ts";
import { LoadMeter } from "../../src/sim/world/load-meter.ts";
import { assertNear, figuresOfOnly, scenarioOf } from "./kit.ts";

test("a meter knows rates and utilisation of about the last second", () => {
  const meter = new LoadMeter();
  for (let ms = 10; ms <= 5000; ms += 10) {
    meter.passed(0.4, 10);
    meter.answered(ms % 100 === 0, 25, 3, ms);
  }
  const { cpu, requestsPerSec, errorsPerSec, inFlight, latencyMs } = meter.report(3, 5000);
  assertNear(cpu!, 0.4, 0.01, "cpu");
  assertNear(requestsPerSec!, 100, 0.02, "requests");
  assertNear(errorsPerSec!, 10, 0.06, "errors");
  assert.equal(inFlight, 3);
  assert.equal(latencyMs, 25);
  assert.ok(meter.report(0, 10_000).requestsPerSec! < 1);
});

test("its latency is that of the present load, not of the last answer", () => {
  const meter = new LoadMeter();
  assert.equal(meter.report(0, 0).latencyMs, undefined);
  for (let i = 0; i < 8; i++) {
    meter.answered(false, 10, 1, i);
    meter.answered(false, 90, 9, i);
  }
  assert.equal(meter.report(1, 10).latencyMs, 10);
  assert.equal(meter.report(8, 10).latencyMs, 90);
});

function textWith(reports: string): string {
  return `
name: reports
duration: 10s
policies: [LeastRequest]
arrivals: { process: poisson, load: 0.5 }
work: { distribution: exponential, meanMs: 10 }
gateways: { count: 2${reports} }
endpoints: [{ name: web, count: 3 }]`;
}

interface Heard {
  readonly of: Ticket | string;
  readonly report: LoadReport;
}

function heardWith(reports: string): { readonly heard: readonly Heard[]; readonly requests: number } {
  const heard: Heard[] = [];
  const spy = mock.method(PoolBrain.prototype, "loadReported", (of: Ticket | string, report: LoadReport) => {
    heard.push({ of, report });
  });
  try {
    return { heard, requests: figuresOfOnly(scenarioOf(textWith(reports))).requests };
  } finally {
    spy.mock.restore();
  }
}

describe("reports reach the brains", () => {
  test("with every answer, under its open claim", () => {
    const { heard, requests } = heardWith(", reports: { on: [answers] }");
    assert.equal(heard.length, requests);
    assert.ok(heard.every(({ of, report }) => typeof of !== "string" && report.latencyMs! > 0));
  });

  test("late and with losses, under the endpoint's key", () => {
    const { heard, requests } = heardWith(", reports: { on: [answers], delay: 100ms, dropRatio: 0.25 }");
    assertNear(heard.length, requests * 0.75, 0.1, "reports");
    assert.ok(heard.every(({ of }) => typeof of === "string" && of.endsWith(":80")));
  });

  test("or not at all, which changes nothing for a policy that does not listen", () => {
    assert.equal(heardWith("").heard.length, 0);
    const [with_, without] = [", reports: {}", ""].map((each) => figuresOfOnly(scenarioOf(textWith(each))));
    assert.deepEqual(with_, without);
  });
});
