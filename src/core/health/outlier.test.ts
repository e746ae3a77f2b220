/** Judged at once, by failures in a row: who goes, who stays, for how long, and what the floor forbids. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { READY } from "../signals/columns.ts";
import { Bench } from "./outlier-bench.test.ts";

test("the fifth failure in a row ejects at once, the fourth does not, and a success begins anew", () => {
  const bench = new Bench(10);
  bench.end(3, "server-error", 4);
  bench.end(3, "success");
  bench.end(3, "server-error", 4);
  assert.deepEqual(bench.log, []);
  bench.end(3, "timeout");
  assert.deepEqual(bench.log, ["-3 consecutive-errors"]);
  assert.equal(bench.columns.ejected[3], 1);
  assert.equal(bench.well, 9);
});

test("429 is load: it is never held against an endpoint, and it ends a row of failures", () => {
  const bench = new Bench(10);
  bench.end(0, "overloaded", 1000, 1, 429);
  bench.goodExcept([0]);
  bench.sweep();
  assert.deepEqual(bench.log, []);
  for (let i = 0; i < 100; i++) {
    bench.end(0, "connect-failure", 4);
    bench.end(0, "overloaded", 1, 1, 429);
  }
  assert.deepEqual(bench.log, []);
});

test("what the client broke off says nothing", () => {
  const bench = new Bench(4);
  bench.end(1, "cancelled", 1000);
  bench.sweep();
  assert.deepEqual(bench.log, []);
});

test("one of two may go, and with it the row of the other counts for nothing", () => {
  const bench = new Bench(2);
  bench.end(0, "connect-failure", 5);
  assert.deepEqual(bench.log, ["-0 consecutive-errors"]);
  bench.end(1, "connect-failure", 100);
  assert.equal(bench.well, 1, "the last one stays");
  bench.sweep();
  assert.equal(bench.well, 2, "what both do is neither's fault");
  const alone = new Bench(1);
  alone.end(0, "connect-failure", 100);
  assert.deepEqual(alone.log, []);
});

test("at most ten percent, but always one, and never below half of the pool well", () => {
  const bench = new Bench(30);
  for (const slot of [0, 1, 2, 3, 4]) bench.end(slot, "server-error", 5);
  assert.equal(bench.log.length, 3);
  const unhealthy = new Bench(10, { maxEjectionPercent: 100 });
  for (const slot of [0, 1, 2]) {
    unhealthy.columns.healthy[slot] = 0;
    unhealthy.well--;
  }
  for (const slot of [3, 4, 5]) unhealthy.end(slot, "server-error", 5);
  assert.equal(unhealthy.well, 5, "7 were well; half of ten must stay");
});

test("when most of the pool fails, nobody is ejected", () => {
  const bench = new Bench(20, { maxEjectionPercent: 100 });
  // Requests are spread over the pool: the rows grow together.
  for (let round = 0; round < 50; round++) {
    for (let slot = 0; slot < 20; slot++) if (slot < 15) bench.end(slot, "server-error");
    for (let slot = 15; slot < 20; slot++) bench.end(slot, "success");
  }
  bench.sweep();
  assert.deepEqual(bench.log, []);
});

test("whoever went first in a failure that became everyone's comes back at the next sweep", () => {
  const bench = new Bench(10, { maxEjectionPercent: 30 });
  bench.end(0, "server-error", 5);
  for (let slot = 1; slot < 10; slot++) bench.end(slot, "server-error", 5);
  assert.ok(bench.log.length >= 1);
  bench.sweep();
  assert.equal(bench.well, 10);
});

test("split: failures to connect and responses of 5xx have rows of their own", () => {
  const policy = { splitLocalOrigin: true, consecutiveErrors: 5, consecutiveLocalOriginFailures: 3 };
  const bench = new Bench(10, policy);
  bench.end(0, "server-error", 4);
  bench.end(0, "connect-failure", 2);
  assert.deepEqual(bench.log, []);
  bench.end(0, "connect-failure");
  assert.deepEqual(bench.log, ["-0 consecutive-local-origin-failures"]);
});

test("gateway errors: a row of 503 counts, a 500 in between ends it", () => {
  const bench = new Bench(10, { consecutiveErrors: 0, consecutiveGatewayErrors: 3 });
  bench.end(0, "server-error", 2, 1, 503);
  bench.end(0, "server-error", 1, 1, 500);
  bench.end(0, "server-error", 2, 1, 502);
  assert.deepEqual(bench.log, []);
  bench.end(0, "server-error", 1, 1, 504);
  assert.deepEqual(bench.log, ["-0 consecutive-gateway-errors"]);
});

test("a newcomer in the slot of one who left starts with a clean record", () => {
  const bench = new Bench(10);
  bench.end(6, "server-error", 4);
  bench.slots.release(6);
  assert.equal(bench.slots.take(READY, 5), 6);
  bench.end(6, "server-error", 4);
  assert.deepEqual(bench.log, []);
  bench.end(6, "server-error");
  bench.slots.release(6);
  bench.well++;
  bench.slots.take(READY, 5);
  bench.end(0, "server-error", 5);
  bench.sweep();
  bench.end(1, "server-error", 5);
  assert.equal(bench.columns.ejected[6], 0);
});

test("turning it off brings everybody back", () => {
  const bench = new Bench(10);
  bench.end(1, "server-error", 5);
  bench.detector.adopt(undefined, 5);
  assert.deepEqual(bench.log, ["-1 consecutive-errors", "+1"]);
  bench.end(1, "server-error", 50);
  assert.equal(bench.well, 10);
});
