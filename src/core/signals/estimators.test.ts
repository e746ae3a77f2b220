/** The estimators, one slot, clock by hand: values that follow from their formulas. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutcomeKind } from "../../model/outcome.ts";
import { createColumns, type Columns } from "./columns.ts";
import { errorRatioNow, observeError, SAMPLE_FAILED, SAMPLE_OK } from "./error-ratio.ts";
import { begin, end, stopWaiting, waitingAgeMs } from "./in-flight.ts";
import { learnEnd, learnLatency } from "./learn.ts";
import { latencyNow, observeNoAnswer, TAU_MS } from "./peak-ewma.ts";
import { windowAnswer, windowError, windowLatencyMs, windowRatePerSec } from "./rate-window.ts";

const SLOT = 3;

function sample(columns: Columns, latencyMs: number, nowMs: number): void {
  columns.latencySampleMs[SLOT] = latencyMs;
  learnLatency(columns, SLOT, nowMs);
}

function near(actual: number, expected: number, relative = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual} is not ${expected}`);
}

test("peak EWMA: rises at once, falls with e^(-dt/tau), decays when left alone", () => {
  const columns = createColumns();
  assert.ok(latencyNow(columns, SLOT, 0) < 0);
  sample(columns, 100, 0);
  assert.equal(latencyNow(columns, SLOT, 0), 100);
  sample(columns, 400, 50);
  assert.equal(latencyNow(columns, SLOT, 50), 400);
  const halfLifeMs = TAU_MS * Math.LN2;
  sample(columns, 100, 50 + halfLifeMs);
  near(latencyNow(columns, SLOT, 50 + halfLifeMs), 250);
  near(latencyNow(columns, SLOT, 50 + 2 * halfLifeMs), 125);
  assert.equal(latencyNow(columns, SLOT, 0), 250, "a clock that steps back does not amplify");
});

test("a negative sample, from clocks that disagree, counts as zero", () => {
  const columns = createColumns();
  sample(columns, -5, 0);
  assert.equal(columns.latencyMs[SLOT], 0);
});

test("waiting in vain raises the estimate and never lowers it", () => {
  const columns = createColumns();
  observeNoAnswer(columns, SLOT, 50, 0);
  assert.equal(latencyNow(columns, SLOT, 0), 50);
  observeNoAnswer(columns, SLOT, 20, 10);
  assert.equal(columns.latencyMs[SLOT], 50);
  assert.equal(columns.latencyStampMs[SLOT], 0);
});

test("error ratio: twenty straight failures say 0.64, time alone forgets", () => {
  const columns = createColumns();
  for (let i = 0; i < 20; i++) observeError(columns, SLOT, SAMPLE_FAILED, 0);
  near(errorRatioNow(columns, SLOT, 0), 1 - 0.95 ** 20);
  near(errorRatioNow(columns, SLOT, TAU_MS), (1 - 0.95 ** 20) / Math.E);
  for (let i = 0; i < 400; i++) observeError(columns, SLOT, SAMPLE_OK, 0);
  assert.equal(errorRatioNow(columns, SLOT, 0), 0, "negligible is none");
});

test("error ratio: after a long silence one sample outweighs the past", () => {
  const columns = createColumns();
  observeError(columns, SLOT, SAMPLE_OK, 0);
  observeError(columns, SLOT, SAMPLE_FAILED, 3 * TAU_MS);
  near(errorRatioNow(columns, SLOT, 3 * TAU_MS), 1 - Math.exp(-3));
});

test("mean waiting age is that of the unanswered, exactly, after any number of requests", () => {
  const columns = createColumns();
  const claim = (sinceMs: number) => ({ slot: SLOT, sinceMs });
  // A year of uptime with fractions that no binary number holds.
  const startMs = 365 * 86_400_000;
  for (let i = 0; i < 100_000; i++) {
    begin(columns, SLOT, startMs + i * 0.1);
    if (i >= 3) stopWaiting(columns, claim(startMs + (i - 3) * 0.1));
  }
  assert.equal(columns.waiting[SLOT], 3);
  const meanBeginMs = startMs + 99_998 * 0.1;
  assert.ok(Math.abs(waitingAgeMs(columns, SLOT, startMs + 20_000) - (startMs + 20_000 - meanBeginMs)) < 0.1);
  for (const i of [99_997, 99_998, 99_999]) stopWaiting(columns, claim(startMs + i * 0.1));
  assert.equal(columns.waitingSinceTicks[SLOT], 0);
  assert.equal(waitingAgeMs(columns, SLOT, startMs), 0);
  assert.equal(columns.inFlight[SLOT], 100_000);
  end(columns, SLOT);
  assert.equal(columns.inFlightTotal, 99_999);
});

test("rate window: even traffic gives its rate and mean latency; silence ages the past away", () => {
  const columns = createColumns();
  assert.ok(windowLatencyMs(columns, SLOT) < 0);
  for (let i = 0; i < 2000; i++) {
    columns.latencySampleMs[SLOT] = i % 2 === 0 ? 10 : 30;
    windowAnswer(columns, SLOT, i * 10);
  }
  near(windowRatePerSec(columns, SLOT), 100, 0.01);
  near(windowLatencyMs(columns, SLOT), 20, 0.01);
  // One answer after 60 s: the window is that answer and that silence, not 127 stale ones.
  columns.latencySampleMs[SLOT] = 200;
  windowAnswer(columns, SLOT, 2000 * 10 + 60_000);
  assert.ok(windowRatePerSec(columns, SLOT) < 0.1);
  near(windowLatencyMs(columns, SLOT), 200, 0.25);
});

test("rate window: errors cost latency and earn no throughput, up to a cap", () => {
  const columns = createColumns();
  columns.latencySampleMs[SLOT] = 10;
  for (let i = 0; i < 500; i++) windowAnswer(columns, SLOT, i * 10);
  const rate = windowRatePerSec(columns, SLOT);
  const latency = windowLatencyMs(columns, SLOT);
  for (let i = 500; i < 600; i++) windowError(columns, SLOT, 1000, 1000, i * 10);
  assert.ok(windowRatePerSec(columns, SLOT) < rate);
  assert.ok(windowLatencyMs(columns, SLOT) > 10 * latency);
  for (let i = 600; i < 20_000; i++) windowError(columns, SLOT, 1000, 1000, i * 10);
  assert.ok(windowLatencyMs(columns, SLOT) <= 1000);
});

test("what each outcome teaches", () => {
  const table: readonly (readonly [OutcomeKind, number, number, number])[] = [
    // kind, error ratio after one, failures, latency estimate where 80 ms passed without an answer
    ["success", 0, 0, -1],
    ["overloaded", 0.5, 0, -1],
    ["server-error", 1, 1, -1],
    ["connect-failure", 1, 1, -1],
    ["refused", 1, 1, -1],
    ["broken", 1, 1, 80],
    ["timeout", 1, 1, 80],
    ["cancelled", 0, 0, 80],
  ];
  for (const [kind, ratio, failures, latencyMs] of table) {
    for (const answered of [false, true]) {
      const columns = createColumns();
      // An age since the last sample: the one sample is then the whole ratio.
      const nowMs = 1e6;
      learnEnd(columns, SLOT, { kind, status: 0, firstByteMs: undefined, totalMs: 80 }, answered, nowMs);
      near(errorRatioNow(columns, SLOT, nowMs), ratio);
      assert.equal(columns.failures[SLOT], failures, kind);
      assert.equal(columns.requests[SLOT], 1);
      assert.equal(columns.latencyMs[SLOT], answered ? -1 : latencyMs, kind);
    }
  }
});
